package kafkalog

import (
	"crypto/tls"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/sasl/plain"
)

// The request's timeout alone would not say which broker is silent.
func TestABrokerThatNeverAnswersIsNamed(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"plaintext": func(*Config) {},
		"TLS":       func(c *Config) { c.TLS = func() *tls.Config { return &tls.Config{} } },
		"SASL":      func(c *Config) { c.SASL = plain.Mechanism{Username: "u", Password: "p"} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			addr, _ := silent(t)
			l := alone(t, []string{addr}, change)
			began := time.Now()
			_, asking := l.Partitions(soon(t), consumed)
			_, joining := l.Join(soon(t))
			for what, err := range map[string]error{"Partitions": asking, "Join": joining} {
				if want := "broker " + addr + " accepts connections and does not answer (check KAFKA_BROKERS"; err == nil || !strings.Contains(err.Error(), want) {
					t.Errorf("%s: %v, want %q", what, err, want)
				}
			}
			if took := time.Since(began); took > 4*firstByteTimeout {
				t.Errorf("it took %v", took)
			}
		})
	}
}
