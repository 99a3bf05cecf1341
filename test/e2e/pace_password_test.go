//go:build kafka

package e2e

import (
	"strings"
	"testing"
	"time"

	"remux-retrier/internal/mpcsim"
)

// A password that IAM refuses is tried at most once in five minutes, because wrong
// passwords lock the account. Meanwhile events wait, and the state is reported.
func TestAPasswordThatIAMRefusesIsTriedOnceAndToldEverywhere(t *testing.T) {
	t.Parallel()
	const duration = 20 * time.Second
	const user, domain = "operator", "example-domain"
	right := canary + "-right"
	for name, test := range map[string]struct {
		password string
		spoil    bool // IAM refuses the password later, while the service works
	}{
		"wrong from the start":   {canary + "-wrong", false},
		"refused from some time": {right, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, options{partitions: 1, sim: mpcsim.Config{
				Tokens: []mpcsim.Secret{"not the service's token"}, Faults: healthy,
				Domain: domain, Username: user, Password: mpcsim.Secret(right),
			}})
			r.load("task", 600)
			s := r.start("MPC_AUTH_TOKEN", "-", "IAM_ENDPOINT", r.mpc.URL(), "IAM_DOMAIN", domain, "IAM_USERNAME", user,
				"IAM_PASSWORD", test.password, "IAM_PROJECT", "p", "MPC_REQUESTS_PER_MINUTE", perMinute).ready()
			logins := 0
			if test.spoil {
				r.waitForAnswers(30, 20*time.Second)
				logins = r.mpc.Counters().Logins
				refusing := healthy
				refusing.IAMOutage = mpcsim.Unauthorized
				must(t, r.mpc.SetFaults(refusing))
				r.mpc.ExpireTokens()
			}
			must(t, r.mpc.Await(r.ctx, mpcsim.Login, logins+1))
			<-time.After(2 * time.Second) // calls in flight are answered
			before, calls := r.collector.count(), r.mpc.Counters().Retries
			s.staysHealthy(duration) // time in which it could wrongly log in again

			n := r.mpc.Counters()
			answered := r.collector.count() - before
			shown := s.scrape()
			_, ready := s.get("/readyz")
			t.Logf("IAM password %s, %v: %d login, %d calls, %d events answered, operator_action_required %v, /readyz %s",
				name, duration, n.Logins-logins, n.Retries-calls, answered, shown.gauge(t, "operator_action_required"), ready)
			if n.Logins != logins+1 {
				t.Errorf("%d logins, want one: more of them lock the account", n.Logins-logins)
			}
			if answered != 0 || n.Retries != calls {
				t.Errorf("%d events were answered, %d calls were made, though no login succeeded", answered, n.Retries-calls)
			}
			r.onlyRetried(t)
			for where, text := range map[string]string{"the log": s.out.String(), "/readyz": ready} {
				if !strings.Contains(text, "IAM_PASSWORD") {
					t.Errorf("%s does not name IAM_PASSWORD", where)
				}
			}
			if shown.gauge(t, "operator_action_required") != 1 || shown.gauge(t, "mpc_available") != 0 {
				t.Error("the metrics do not say that an operator must act and that MPC is not available")
			}
			s.stop()
		})
	}
}
