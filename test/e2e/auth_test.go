//go:build kafka

package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"remux-retrier/internal/mpcsim"
)

// The simulator has its own signature check and rejects wrong signatures. All other scenarios
// use a token. The keys of an agency come from a fixed address of the node, so they are left
// out here.
func TestEveryWayToAuthenticateWorks(t *testing.T) {
	const user, domain = "operator", "example-domain"
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(canary+"-sk\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, way := range map[string]struct {
		sim mpcsim.Config
		env func(mpc string) []string
	}{
		"AK/SK": {
			mpcsim.Config{AccessKey: canary + "-ak", SecretKey: canary + "-sk"},
			func(string) []string {
				return []string{"MPC_ACCESS_KEY", canary + "-ak", "MPC_SECRET_KEY_FILE", file}
			},
		},
		"temporary AK/SK": {
			mpcsim.Config{AccessKey: canary + "-ak", SecretKey: canary + "-sk", SecurityToken: canary + "-st"},
			func(string) []string {
				return []string{"MPC_ACCESS_KEY", canary + "-ak", "MPC_SECRET_KEY", canary + "-sk", "MPC_SECURITY_TOKEN", canary + "-st"}
			},
		},
		"IAM password": {
			mpcsim.Config{Domain: domain, Username: user, Password: canary + "-password", Project: "cn-north-4", TokenLife: 4 * time.Second},
			func(mpc string) []string {
				return []string{
					"IAM_ENDPOINT", mpc, "IAM_DOMAIN", domain, "IAM_USERNAME", user,
					"IAM_PASSWORD", canary + "-password", "IAM_PROJECT", "cn-north-4",
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			way.sim.Tokens = []mpcsim.Secret{"not the service's token"}
			r := newRig(t, options{sim: way.sim})
			must(t, r.mpc.Script("lost-0", mpcsim.Lose()))
			r.load("task", 50)
			r.load("lost", 1) // its state is queried, with parameters to be signed
			r.start(append([]string{"MPC_AUTH_TOKEN", "-", "LOG_LEVEL", "trace"}, way.env(r.mpc.URL())...)...).ready()
			r.waitForAnswers(51, 30*time.Second)
			if way.sim.Username != "" {
				for i := 0; r.mpc.Counters().Logins < 2; i++ { // the first token has expired
					r.load(fmt.Sprintf("more-%d", i), 1)
					r.waitForAnswers(r.expectedAnswers(), 10*time.Second)
				}
			}
			r.finishWithoutRepeats(30 * time.Second)
			if n := r.collector.reasons(); n["already_running"] != 1 || n["accepted"] != r.expectedAnswers()-1 {
				t.Errorf("outcomes %v", n)
			}
			if n := r.mpc.Counters(); n.Logins > 20 {
				t.Errorf("%d logins", n.Logins)
			}
		})
	}
}

func TestAWrongPasswordIsNotTriedAgainAndAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{sim: mpcsim.Config{Domain: "d", Username: "u", Password: canary + "-right"}})
	r.load("task", 50)
	s := r.start("MPC_AUTH_TOKEN", "-", "IAM_ENDPOINT", r.mpc.URL(), "IAM_DOMAIN", "d", "IAM_USERNAME", "u",
		"IAM_PASSWORD", canary+"-wrong", "IAM_PROJECT", "p").ready()
	must(t, r.mpc.Await(r.ctx, mpcsim.Login, 1))
	s.waitForLog("IAM")
	<-time.After(8 * time.Second) // the time in which it might try again
	if n := r.mpc.Counters().Logins; n != 1 {
		t.Errorf("%d logins with a wrong password within 8 s: that locks the account", n)
	}
	if n := r.collector.count(); n != 0 {
		t.Errorf("%d events were answered though no login succeeded", n)
	}
	s.stop()
}
