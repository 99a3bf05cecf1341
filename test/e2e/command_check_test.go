//go:build kafka

package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
	"remux-retrier/internal/testkafka"
)

func TestCommandCheckFindsNothingWrong(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	r.limit(r.deadLetter, 2<<20)
	s := r.command(nil, "check").want(t, 0, "ok    settings", "ok    broker ", "ok    topic "+r.failed+": 4 partitions", "has one replica",
		"ok    group "+r.group+": no member", "ok    MPC at ", "ok    clock", "ok    authentication: user token accepted", "ok    state query")
	if strings.Contains(s.out, "FAIL") || s.err != "" {
		t.Error(s.all())
	}
	r.start().ready()
	r.command(nil, "check").want(t, 0, "Stable, members: e2e-1")
	if n := r.mpc.Counters().Retries; n != 0 {
		t.Errorf("it made %d calls", n)
	}
}

func TestCommandCheckSaysWhatIsWrongWithTopics(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{noTopics: true})
	r.create(2, r.failed, r.retried, r.deadLetter)
	r.set(r.failed, "max.message.bytes", "2000000")
	r.set(r.retried, "cleanup.policy", "compact")
	r.set(r.failed, "retention.ms", "3600000")
	r.set(r.deadLetter, "min.insync.replicas", "2")
	r.command([]string{"RETRY_BUDGET_WINDOW", "48h"}, "check").want(t, 1,
		"FAIL  topic "+r.retryFailed+": does not exist",
		"FAIL  topic "+r.retried+": cleanup.policy is compact",
		"warn  topic "+r.failed+": keeps its records for 1h0m0s only",
		"FAIL  topic "+r.deadLetter+": min.insync.replicas is 2, but there is 1 replica",
		"a large dead letter may not fit", "raise it to 2004096")
	r.set(r.retried, "cleanup.policy", "delete")
	r.set(r.retried, "retention.ms", fmt.Sprint(36*time.Hour.Milliseconds()))
	r.command([]string{"RETRY_BUDGET_WINDOW", "48h", "KAFKA_CREATE_TOPICS", "true"}, "check").want(t, 1,
		"warn  topic "+r.retryFailed+": does not exist; the service will create it",
		"warn  topic "+r.retried+": keeps its records for 36h0m0s, but RETRY_BUDGET_WINDOW is 48h0m0s")
}

func TestCommandCheckGoesOnWithoutBrokers(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{noTopics: true})
	began := time.Now()
	s := r.command([]string{"KAFKA_BROKERS", freeAddress(t) + "," + freeAddress(t)}, "check").want(t, 1, "ok    authentication", "ok    state query")
	if n := strings.Count(s.out, "FAIL  broker "); n != 2 || strings.Contains(s.out, "topic ") {
		t.Error(s.out)
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("it took %v", took)
	}
}

func TestCommandCheckTellsCredentialsFromPermissionsFromOutages(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	r.command([]string{"MPC_AUTH_TOKEN", canary + "-wrong"}, "check").want(t, 1, "FAIL  authentication: MPC query: operator: HTTP 401", "MPC_AUTH_TOKEN")
	must(t, r.mpc.SetFaults(mpcsim.Faults{RefuseQueries: true}))
	r.command(nil, "check").want(t, 0, "ok    authentication", "warn  state query", "mpc:remuxTsk:view")
	must(t, r.mpc.SetFaults(mpcsim.Faults{Outage: mpcsim.Down}))
	r.command(nil, "check").want(t, 1, "FAIL  state query", "the credentials could not be checked")
}

func TestCommandCheckComparesClocks(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	ahead := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-16*time.Minute).UTC().Format(http.TimeFormat))
		fmt.Fprint(w, `{"total":0,"tasks":[]}`)
	}))
	defer ahead.Close()
	r.command([]string{"MPC_ENDPOINT", ahead.URL}, "check").want(t, 0, "warn  clock: this machine's clock is 16m0s ahead of the API's")
	r.command([]string{"MPC_ENDPOINT", ahead.URL, "MPC_AUTH_TOKEN", "-", "MPC_ACCESS_KEY", canary + "-ak", "MPC_SECRET_KEY", canary + "-sk"}, "check").
		want(t, 1, "FAIL  clock: this machine's clock is 16m0s ahead of the API's", "set the clock")
}

func TestCommandCheckLogsInAtIAM(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{sim: mpcsim.Config{Domain: "account", Username: "user", Password: canary + "-iam"}})
	login := func(password string) []string {
		return []string{"MPC_AUTH_TOKEN", "-", "IAM_ENDPOINT", r.mpc.URL(), "IAM_DOMAIN", "account", "IAM_USERNAME", "user", "IAM_PASSWORD", password, "IAM_PROJECT", "region"}
	}
	r.command(login(canary+"-iam"), "check").want(t, 0, "ok    authentication: IAM login as user")
	r.command(login(canary+"-wrong"), "check").want(t, 1, "FAIL  authentication: IAM login", "IAM_PASSWORD")
}

// TLS, SASL and missing rights are told apart, on a broker with security.
func TestCommandCheckOnASecuredBroker(t *testing.T) {
	t.Parallel()
	c := testkafka.ForTest(t, testkafka.Config{Secured: true})
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	r := newRig(t, options{brokers: c.Addrs(), admin: kadm.NewClient(client)})
	at := func(listener string, more ...string) []string {
		return append([]string{"KAFKA_BROKERS", strings.Join(c.AddrsOf(listener), ","), "KAFKA_TLS_CA_FILE", "-"}, more...)
	}
	secure := []string{"KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_CA_FILE", c.Certificates.CA, "KAFKA_SASL_MECHANISM", "SCRAM-SHA-512", "KAFKA_SASL_USERNAME", testkafka.User, "KAFKA_SASL_PASSWORD", testkafka.Password}
	r.command(at(testkafka.SASLTLS, secure...), "check").want(t, 0, "TLS, SCRAM-SHA-512 as "+testkafka.User, "ok    topic "+r.failed)
	r.command(at(testkafka.SASLTLS, append(secure, "KAFKA_SASL_PASSWORD", canary+"-wrong")...), "check").want(t, 1, "FAIL  broker", "check KAFKA_SASL_USERNAME", "ok    state query")
	r.command(at(testkafka.SASLTLS, append(secure, "KAFKA_TLS_CA_FILE", c.Certificates.OtherCA)...), "check").want(t, 1, "FAIL  broker", "check KAFKA_TLS_CA_FILE")
	r.command(at(testkafka.SASLTLS), "check").want(t, 1, "FAIL  broker", "expects another security protocol")

	// As soon as a resource has an ACL, all users without one are refused.
	user := "User:" + testkafka.User
	for _, b := range []*kadm.ACLBuilder{
		kadm.NewACLs().Topics(r.failed).Operations(kadm.OpRead, kadm.OpDescribe, kadm.OpDescribeConfigs).Allow(user).AllowHosts("*"),
		kadm.NewACLs().Topics(r.retried).Operations(kadm.OpWrite, kadm.OpDescribe, kadm.OpDescribeConfigs).Allow(user).AllowHosts("*"),
		kadm.NewACLs().Topics(r.retryFailed).Operations(kadm.OpRead, kadm.OpWrite, kadm.OpDescribe).Allow(user).AllowHosts("*"),
		kadm.NewACLs().Topics(r.deadLetter).Operations(kadm.OpWrite, kadm.OpDescribe, kadm.OpDescribeConfigs).Allow(user).AllowHosts("*"),
		kadm.NewACLs().Groups(r.group, r.group+".redrive").Operations(kadm.OpDescribe).Allow(user).AllowHosts("*"),
	} {
		b.ResourcePatternType(kadm.ACLPatternLiteral)
		if _, err := r.admin.CreateACLs(r.ctx, b); err != nil {
			t.Fatal(err)
		}
	}
	waitFor(t, 20*time.Second, "the brokers to apply the ACLs", func() (bool, string) {
		s := r.command(at(testkafka.SASLTLS, secure...), "check")
		return strings.Contains(s.out, "FAIL  group") && strings.Contains(s.out, "DESCRIBE_CONFIGS") && strings.Contains(s.out, "must allow READ"), s.out
	})
	r.command(at(testkafka.SASLTLS, secure...), "check").want(t, 1,
		"warn  topic "+r.failed+": the brokers' ACLs do not allow WRITE on it: the service does not need it, but `retry`, `redrive` and `sweep` do",
		"FAIL  topic "+r.retried+": the brokers' ACLs must allow READ on it",
		"warn  topic "+r.retryFailed+": its settings cannot be read: allow DESCRIBE_CONFIGS",
		"warn  topic "+r.deadLetter+": the brokers' ACLs do not allow READ on it: the service does not need it, but `redrive` and `explain` do",
		"FAIL  group "+r.group+": the brokers' ACLs must allow READ")

	// A missing right is not retried.
	began := time.Now()
	r.command(at(testkafka.SASLTLS, secure...), "redrive", "--limit", "1").want(t, 1, "ACLs must allow READ on group "+r.group+".redrive")
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("redrive without READ on its group took %v to fail", took)
	}
}
