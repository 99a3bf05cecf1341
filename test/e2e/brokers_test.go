//go:build kafka

package e2e

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
	"remux-retrier/internal/testkafka"
)

// ownCluster starts a cluster for one scenario. It returns the options with that
// cluster filled in.
func ownCluster(t *testing.T, cfg testkafka.Config, o options) (*testkafka.Cluster, options) {
	t.Helper()
	c := testkafka.ForTest(t, cfg)
	c.NeedOwn(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.Addrs()...), kgo.MetadataMinAge(200*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	o.brokers, o.admin = c.Addrs(), kadm.NewClient(client)
	return c, o
}

func TestBrokersThatGoAwayAndComeBackCostNothing(t *testing.T) {
	t.Parallel()
	c, o := ownCluster(t, testkafka.Config{}, options{sim: mpcsim.Config{ProcessingFor: time.Hour, Faults: mpcsim.Faults{Latency: 50 * time.Millisecond}}})
	r := newRig(t, o)
	r.load("before", 100)
	must(t, c.Stop(0))
	s := r.start("MPC_MAX_IN_FLIGHT", "16")
	s.waitForLog("waiting for the brokers")
	if status, body := s.get("/readyz"); status != 503 || !strings.Contains(body, "brokers") {
		t.Errorf("/readyz without brokers: %d %s", status, body)
	}
	must(t, c.Restart(r.ctx, 0))
	s.ready()
	r.waitForAnswers(100, 30*time.Second)

	stop := r.publishSteadily(5 * time.Millisecond)
	for how, end := range map[string]func(int) error{"stopped": c.Stop, "killed": c.Kill} {
		have := r.collector.count()
		r.waitForAnswers(have+200, 40*time.Second)
		must(t, end(0))
		s.waitFor(30*time.Second, "to notice that the broker was "+how, func() (bool, string) {
			status, body := s.get("/readyz")
			return status == 503, body
		})
		if status, body := s.get("/healthz"); status != 200 {
			t.Errorf("/healthz while the broker is %s: %d %s", how, status, body)
		}
		must(t, c.Restart(r.ctx, 0))
		s.ready()
	}
	have := r.collector.count()
	r.waitForAnswers(have+200, 40*time.Second)
	all := stop()
	t.Logf("two restarts of the broker: %d answers were repeated", len(r.finish(60*time.Second)))
	r.acceptedAtMostOnce(t, all)
	if n := r.collector.reasons(); n["accepted"]+n["already_running"] != len(all)+100 {
		t.Errorf("%d events, answered %v", len(all)+100, n)
	}
}

func TestTLSAndSASL(t *testing.T) {
	t.Parallel()
	c, o := ownCluster(t, testkafka.Config{Secured: true}, options{})
	certs := c.Certificates
	sasl := func(mechanism, password string) []string {
		return []string{"KAFKA_SASL_MECHANISM", mechanism, "KAFKA_SASL_USERNAME", testkafka.User, "KAFKA_SASL_PASSWORD", password}
	}
	tls := []string{"KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_CA_FILE", certs.CA}
	ways := map[string]struct {
		listener string
		env      []string
		problem  string // in the log; empty: it connects
	}{
		"SCRAM-SHA-512 over TLS": {testkafka.SASLTLS, append(sasl("SCRAM-SHA-512", testkafka.Password), tls...), ""},
		"SCRAM-SHA-256 over TLS": {testkafka.SASLTLS, append(sasl("SCRAM-SHA-256", testkafka.Password), tls...), ""},
		"PLAIN over TLS":         {testkafka.SASLTLS, append(sasl("PLAIN", testkafka.Password), tls...), ""},
		"mutual TLS":             {testkafka.MutualTLS, append([]string{"KAFKA_TLS_CERT_FILE", certs.Cert, "KAFKA_TLS_KEY_FILE", certs.Key}, tls...), ""},
		"a wrong password":       {testkafka.SASLTLS, append(sasl("SCRAM-SHA-512", canary+"-wrong"), tls...), "KAFKA_SASL_PASSWORD"},
		"a name unverified":      {testkafka.ElsewhereTLS, append([]string{"KAFKA_TLS_VERIFY_HOSTNAME", "false"}, tls...), ""},
		"an unknown authority, name unverified": {testkafka.ElsewhereTLS, []string{"KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_VERIFY_HOSTNAME", "false", "KAFKA_TLS_CA_FILE", certs.OtherCA},
			"check KAFKA_TLS_CA_FILE"},
		"an unknown authority": {testkafka.TLS, []string{"KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_CA_FILE", certs.OtherCA}, "check KAFKA_TLS_CA_FILE"},
	}
	for name, way := range ways {
		// One after the other: this cluster ends with the test.
		t.Run(name, func(t *testing.T) {
			r := newRig(t, o)
			r.load("task", 20)
			if way.problem != "" {
				between := newRelay(t, c.AddrsOf(way.listener)[0])
				s := r.start(append([]string{"KAFKA_BROKERS", between.addr}, way.env...)...)
				s.waitForLog(way.problem)
				if status, body := s.get("/readyz"); status != 503 || !strings.Contains(body, way.problem) {
					t.Errorf("/readyz: %d %s", status, body)
				}
				between.noFlood(t)
				if n := strings.Count(s.out.String(), way.problem); n != 1 {
					t.Errorf("it is said in %d lines:\n%s", n, s.out)
				}
				s.stop()
				return
			}
			s := r.start(append([]string{"KAFKA_BROKERS", c.AddrsOf(way.listener)[0]}, way.env...)...)
			s.ready()
			r.finishWithoutRepeats(30 * time.Second)
			if strings.Contains(s.out.String(), testkafka.Password) {
				t.Error("the SASL password was printed")
			}
		})
	}
}

// CA, client certificate and password files are replaced by good ones while the
// service runs. It connects without a restart.
func TestFilesThatAreMendedWhileItRunsLetItIn(t *testing.T) {
	t.Parallel()
	c, o := ownCluster(t, testkafka.Config{Secured: true}, options{})
	certs := c.Certificates
	copied := func(to, from string) {
		t.Helper()
		content, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to+".new", content, 0o600)
		}
		if err = errors.Join(err, os.Rename(to+".new", to)); err != nil {
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	ca, cert, key, password := filepath.Join(dir, "ca"), filepath.Join(dir, "cert"), filepath.Join(dir, "key"), filepath.Join(dir, "password")
	right := filepath.Join(dir, "right")
	if err := errors.Join(os.WriteFile(password, []byte(canary+"-wrong"), 0o600), os.WriteFile(right, []byte(testkafka.Password+"\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	for name, way := range map[string]struct {
		listener string
		env      []string
		before   func()
		repair   func(s *service)
	}{
		"authority, then password": {testkafka.SASLTLS, []string{"KAFKA_SASL_MECHANISM", "SCRAM-SHA-512", "KAFKA_SASL_USERNAME", testkafka.User, "KAFKA_SASL_PASSWORD_FILE", password},
			func() { copied(ca, certs.OtherCA) }, func(s *service) {
				s.waitForLog("check KAFKA_TLS_CA_FILE")
				copied(ca, certs.CA)
				s.waitForLog("check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD")
				copied(password, right)
			}},
		"client certificate": {testkafka.MutualTLS, []string{"KAFKA_TLS_CERT_FILE", cert, "KAFKA_TLS_KEY_FILE", key},
			func() { copied(ca, certs.CA); copied(cert, certs.OtherCert); copied(key, certs.OtherKey) }, func(s *service) {
				s.waitForLog("check KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE")
				copied(cert, certs.Cert)
				copied(key, certs.Key)
			}},
	} {
		t.Run(name, func(t *testing.T) {
			way.before()
			r := newRig(t, o)
			r.load("task", 20)
			s := r.start(append([]string{"KAFKA_BROKERS", c.AddrsOf(way.listener)[0], "KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_CA_FILE", ca}, way.env...)...)
			way.repair(s)
			s.ready()
			r.finishWithoutRepeats(30 * time.Second)
			s.waitForLog("has changed: the new contents are used from the next request or connection on")
		})
	}
}
