//go:build kafka

package kafkalog_test

import (
	"crypto/tls"
	"crypto/x509"
	"os"
	"strings"
	"testing"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
	"github.com/twmb/franz-go/pkg/kadm"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/testkafka"
)

// access is a way to connect to the broker, right or wrong.
type access struct {
	name     string
	listener string
	tls      *tls.Config
	sasl     sasl.Mechanism
	// words must be in the error of a wrong way; empty: the way is right.
	words string
}

func trust(t *testing.T, ca string) *tls.Config {
	t.Helper()
	pool := x509.NewCertPool()
	if text, err := os.ReadFile(ca); err != nil || !pool.AppendCertsFromPEM(text) {
		t.Fatal(ca, err)
	}
	return &tls.Config{RootCAs: pool}
}

func show(t *testing.T, cfg *tls.Config, cert, key string) *tls.Config {
	t.Helper()
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Certificates = []tls.Certificate{pair}
	return cfg
}

func scrammed(t *testing.T, algorithm scram.Algorithm, password string) sasl.Mechanism {
	t.Helper()
	m, err := scram.Mechanism(algorithm, testkafka.User, password)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestKafkaSecurity(t *testing.T) {
	c := shared(t)
	c.NeedOwn(t)
	files := c.Certificates
	wrongName := trust(t, files.CA)
	wrongName.ServerName = "kafka.example.com"
	right := plain.Mechanism{Username: testkafka.User, Password: testkafka.Password}
	wrong := plain.Mechanism{Username: testkafka.User, Password: "wr0ng-secret"}
	const (
		checkPassword = "check KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD"
		checkProtocol = "(KAFKA_TLS_ENABLED), SASL is"
		checkCert     = "check KAFKA_TLS_CERT_FILE and KAFKA_TLS_KEY_FILE"
	)
	for _, a := range []access{
		{"TLS", testkafka.TLS, trust(t, files.CA), nil, ""},
		{"mutual TLS", testkafka.MutualTLS, show(t, trust(t, files.CA), files.Cert, files.Key), nil, ""},
		{"PLAIN", testkafka.SASLPlaintext, nil, right, ""},
		{"PLAIN over TLS", testkafka.SASLTLS, trust(t, files.CA), right, ""},
		{"SCRAM-SHA-256", testkafka.SASLPlaintext, nil, scrammed(t, scram.SHA256, testkafka.Password), ""},
		{"SCRAM-SHA-512 over TLS", testkafka.SASLTLS, trust(t, files.CA), scrammed(t, scram.SHA512, testkafka.Password), ""},

		{"unknown CA", testkafka.TLS, trust(t, files.OtherCA), nil, "check KAFKA_TLS_CA_FILE"},
		{"wrong name", testkafka.TLS, wrongName, nil, "advertised.listeners must use a name in it"},
		{"no certificate", testkafka.MutualTLS, trust(t, files.CA), nil, checkCert},
		{"certificate of another CA", testkafka.MutualTLS, show(t, trust(t, files.CA), files.OtherCert, files.OtherKey), nil, checkCert},
		{"wrong PLAIN password", testkafka.SASLPlaintext, nil, wrong, checkPassword},
		{"wrong SCRAM password", testkafka.SASLTLS, trust(t, files.CA), scrammed(t, scram.SHA512, "wr0ng-secret"), checkPassword},
		{"no SASL", testkafka.SASLPlaintext, nil, nil, checkProtocol},
		{"SASL where there is none", testkafka.Plaintext, nil, right, "does not accept SASL"},
		{"plaintext to TLS", testkafka.TLS, nil, nil, checkProtocol},
		{"TLS to plaintext", testkafka.Plaintext, trust(t, files.CA), nil, checkProtocol},
		{"no broker there", "", nil, nil, "check KAFKA_BROKERS"},
	} {
		t.Run(a.name, func(t *testing.T) {
			brokers := []string{"127.0.0.1:1"}
			if a.listener != "" {
				brokers = c.AddrsOf(a.listener)
			}
			l := member(t, brokers, own(t, c, nil), func(cfg *kafkalog.Config) {
				if cfg.SASL = a.sasl; a.tls != nil {
					cfg.TLS = a.tls.Clone
				}
			})
			if a.words == "" {
				useAll(t, l)
				return
			}
			ctx := soon(t)
			_, joining := l.Join(ctx)
			_, asking := l.Partitions(ctx, l.cfg.Topic)
			_, fetching := l.Fetch(ctx, l.cfg.Topic, 0, 0, 1<<20)
			for what, err := range map[string]error{"Join": joining, "Partitions": asking, "Fetch": fetching} {
				if err == nil {
					t.Fatalf("%s succeeded", what)
				}
				if !strings.Contains(err.Error(), a.words) || strings.Contains(err.Error(), "wr0ng-secret") {
					t.Errorf("%s says %q, want %q and no secret", what, err, a.words)
				}
			}
		})
	}
}

// useAll joins and does everything that a member does.
func useAll(t *testing.T, l *subject) {
	t.Helper()
	ctx := soon(t)
	g := join(t, l)
	if _, err := l.Produce(ctx, l.cfg.Topic, 1, []consumer.Message{{Value: []byte("v")}}); err != nil {
		t.Fatal(err)
	}
	if got := values(readAll(t, l, l.cfg.Topic, 1, 0, 1<<20)); len(got) != 1 {
		t.Errorf("read %q", got)
	}
	if err := g.Commit(ctx, map[int]consumer.Position{1: {Offset: 1}}); err != nil {
		t.Error(err)
	}
	if got, err := g.Committed(ctx); err != nil || got[1].Offset != 1 {
		t.Errorf("committed %v, %v", got, err)
	}
}

func TestKafkaMissingRightsAreNamed(t *testing.T) {
	c := shared(t)
	c.NeedOwn(t)
	// As soon as a resource has an ACL, all users without one are refused.
	admin := kadm.NewClient(other(t, c.Addrs()))
	only := func(b *kadm.ACLBuilder) {
		t.Helper()
		b.ResourcePatternType(kadm.ACLPatternLiteral).Allow("User:somebody-else").AllowHosts("*")
		if _, err := admin.CreateACLs(soon(t), b); err != nil {
			t.Fatal(err)
		}
		until(t, "the broker applies the ACL", func() bool {
			found, err := admin.DescribeACLs(soon(t), b)
			return err == nil && len(found) > 0 && len(found[0].Described) > 0
		})
	}
	user := func(t *testing.T) *subject {
		return member(t, c.AddrsOf(testkafka.SASLPlaintext), own(t, c, nil), func(cfg *kafkalog.Config) {
			cfg.SASL = plain.Mechanism{Username: testkafka.User, Password: testkafka.Password}
		})
	}
	says := func(t *testing.T, err error, right string) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "ACLs must allow "+right) {
			t.Errorf("%v: does not name the right %q", err, right)
		}
	}
	t.Run("topic", func(t *testing.T) {
		l := user(t)
		topic := l.cfg.Topic
		only(kadm.NewACLs().Topics(topic).Operations(kadm.OpRead))
		ctx := soon(t)
		_, err := l.Partitions(ctx, topic)
		says(t, err, "DESCRIBE on topic "+topic)
		_, err = l.Fetch(ctx, topic, 0, 0, 1<<20)
		says(t, err, "READ on topic "+topic)
		_, err = l.Produce(ctx, topic, 0, []consumer.Message{{}})
		says(t, err, "WRITE on topic "+topic)
		if _, known, err := l.MaxMessageBytes(ctx, topic); known || err != nil {
			t.Errorf("MaxMessageBytes: known %v, %v; want unknown and no error", known, err)
		}
	})
	t.Run("group", func(t *testing.T) {
		l := user(t)
		only(kadm.NewACLs().Groups(l.cfg.GroupID).Operations(kadm.OpRead))
		_, err := l.Join(soon(t))
		says(t, err, "READ on group "+l.cfg.GroupID)
	})
}
