//go:build kafka

package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/sasl/scram"

	"remux-retrier/internal/mpcsim"
	"remux-retrier/internal/testkafka"
)

const (
	oldToken, newToken       = canary + "-old-token", canary + "-new-token"
	oldPassword, newPassword = canary + "-old-password", canary + "-new-password"

	mutual = "listener.name.sasltls.ssl." // TLS of the listener SASLTLS
)

// secretVolume is a folder of secrets as Kubernetes mounts it: each file is a symbolic link
// into ..data, which is a symbolic link to the folder of the current version.
type secretVolume struct {
	t       *testing.T
	dir     string
	files   map[string]string // contents by name
	version int
}

func mountSecrets(t *testing.T, files map[string]string) *secretVolume {
	t.Helper()
	v := &secretVolume{t: t, dir: t.TempDir(), files: map[string]string{}}
	for name := range files {
		must(t, os.Symlink(filepath.Join("..data", name), v.path(name)))
	}
	v.replace(files)
	return v
}

func (v *secretVolume) path(name string) string { return filepath.Join(v.dir, name) }

// replace changes some of the files, all at the same moment, and removes the former
// version.
func (v *secretVolume) replace(files map[string]string) {
	v.t.Helper()
	maps.Copy(v.files, files)
	v.version++
	version := func(n int) string { return fmt.Sprintf("..version_%d", n) }
	must(v.t, os.Mkdir(v.path(version(v.version)), 0o700))
	for name, content := range v.files {
		must(v.t, os.WriteFile(filepath.Join(v.path(version(v.version)), name), []byte(content), 0o600))
	}
	must(v.t, os.Symlink(version(v.version), v.path("..data_tmp")))
	must(v.t, os.Rename(v.path("..data_tmp"), v.path("..data")))
	must(v.t, os.RemoveAll(v.path(version(v.version-1))))
}

func content(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	must(t, err)
	return string(text)
}

// An operator replaces secrets while events keep coming. From then on MPC and the broker
// refuse the old ones. A login to the broker is valid for 3 seconds, so it is soon repeated
// with the new password on the open connections. Then all connections are cut, and new ones
// need the new certificate.
func TestSecretsThatAreReplacedInTheMiddleOfWorkCostNoEventAndNoRebalance(t *testing.T) {
	t.Parallel()
	between, plaintext := newRelay(t, ""), freeAddress(t)
	_, text, err := net.SplitHostPort(plaintext)
	must(t, err)
	port, err := strconv.Atoi(text)
	must(t, err)
	c, o := ownCluster(t, testkafka.Config{Secured: true, Port: port, Properties: map[string]string{
		mutual + "client.auth": "required", "connections.max.reauth.ms": "3000",
		"advertised.listeners": "PLAINTEXT://" + plaintext + ",SASLTLS://" + between.addr,
	}}, options{sim: mpcsim.Config{Tokens: []mpcsim.Secret{oldToken}, Faults: mpcsim.Faults{Latency: 50 * time.Millisecond}}})
	between.to.Store(c.AddrsOf(testkafka.SASLTLS)[0])
	certs, broker := c.Certificates, between.addr
	r := newRig(t, o)
	r.setPassword(oldPassword)
	v := mountSecrets(t, map[string]string{
		"token": oldToken, "password": oldPassword + "\n",
		"ca.crt": content(t, certs.CA), "tls.crt": content(t, certs.Cert), "tls.key": content(t, certs.Key),
	})
	stop := r.publishSteadily(10 * time.Millisecond)
	s := r.start(
		"KAFKA_BROKERS", broker, "KAFKA_SESSION_TIMEOUT", "20s",
		"KAFKA_TLS_ENABLED", "true", "KAFKA_TLS_CA_FILE", v.path("ca.crt"), "KAFKA_TLS_CERT_FILE", v.path("tls.crt"), "KAFKA_TLS_KEY_FILE", v.path("tls.key"),
		"KAFKA_SASL_MECHANISM", "SCRAM-SHA-512", "KAFKA_SASL_USERNAME", testkafka.User, "KAFKA_SASL_PASSWORD_FILE", v.path("password"),
		"MPC_AUTH_TOKEN", "-", "MPC_AUTH_TOKEN_FILE", v.path("token"),
	).ready()
	r.waitForAnswers(100, 20*time.Second)

	r.mpc.SetTokens(newToken)
	must(t, r.mpc.Await(r.ctx, mpcsim.Retry, r.mpc.Counters().Retries+1)) // the first refused call
	v.replace(map[string]string{
		"token": newToken, "password": newPassword + "\n",
		"tls.crt": content(t, certs.OtherCert), "tls.key": content(t, certs.OtherKey),
	})
	s.waitForLog("KAFKA_SASL_PASSWORD_FILE has changed")
	r.setPassword(newPassword)
	r.trustOnly(certs.OtherCA)
	r.refused(broker, certs.CA, certs.Cert, certs.Key, newPassword, "bad certificate")
	r.refused(broker, certs.CA, certs.OtherCert, certs.OtherKey, oldPassword, "SASL_AUTHENTICATION_FAILED")
	<-time.After(7 * time.Second) // each login is repeated meanwhile, twice
	r.waitForAnswers(r.collector.count()+200, 40*time.Second)
	// A handshake or login between the change of the files and that of the broker is refused,
	// and ends its connection. Otherwise no generation ends.
	refusedBetween := strings.Contains(s.out.String(), "check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD") ||
		strings.Contains(s.out.String(), "check KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE")
	if n := len(s.assignments()); n != 1 && !refusedBetween {
		t.Errorf("partitions were assigned %d times: the group rebalanced", n)
	}
	if between.cut() == 0 {
		t.Error("there was no connection to the broker")
	}
	r.waitForAnswers(r.collector.count()+200, 40*time.Second)

	all := stop()
	// The process, still the first one, ends with exit code 0. What was being written when
	// the connections were cut may be written again.
	t.Logf("%d answers were repeated", len(r.finish(60*time.Second)))
	r.retriedInSpiteOfRefusals(t, all)
}

// retriedInSpiteOfRefusals checks that each event's task was retried, that calls were
// refused, and that no event was answered because of them.
func (r *rig) retriedInSpiteOfRefusals(t *testing.T, all []*kgo.Record) {
	t.Helper()
	r.acceptedAtMostOnce(t, all)
	if n := r.collector.reasons(); n["accepted"] != len(all) {
		t.Errorf("%d events, answered %v", len(all), n)
	}
	refused := r.mpc.Counters().Codes["APIGW.0301"]
	if refused == 0 {
		t.Error("MPC refused no call: the token was not replaced in the middle of work")
	}
	t.Logf("%d events, %d refused calls", len(all), refused)
}

// setPassword makes this the only password of the user that the broker accepts.
func (r *rig) setPassword(password string) {
	r.t.Helper()
	answers, err := r.admin.AlterUserSCRAMs(r.ctx, nil, []kadm.UpsertSCRAM{
		{User: testkafka.User, Mechanism: kadm.ScramSha512, Password: password, Iterations: 4096},
	})
	must(r.t, err)
	must(r.t, answers.Error())
}

// trustOnly makes this the only authority whose client certificates the broker accepts.
func (r *rig) trustOnly(ca string) {
	r.t.Helper()
	answers, err := r.admin.AlterBrokerConfigs(r.ctx, []kadm.AlterConfig{{Name: mutual + "truststore.location", Value: &ca}}, 1)
	must(r.t, err)
	for _, answer := range answers {
		must(r.t, answer.Err)
	}
}

// refused waits until the broker refuses this certificate and password with this error.
func (r *rig) refused(broker, ca, cert, key, password, words string) {
	r.t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	must(r.t, err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM([]byte(content(r.t, ca)))
	waitFor(r.t, 20*time.Second, "the broker to refuse what was replaced", func() (bool, string) {
		client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DialTLSConfig(&tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}),
			kgo.SASL(scram.Auth{User: testkafka.User, Pass: password}.AsSha512Mechanism()))
		must(r.t, err)
		defer client.Close()
		ctx, cancel := context.WithTimeout(r.ctx, 5*time.Second)
		defer cancel()
		err = client.Ping(ctx)
		return err != nil && strings.Contains(err.Error(), words), fmt.Sprint(err)
	})
}
