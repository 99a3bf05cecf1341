//go:build kafka

package kafkalog_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/sasl/scram"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/testkafka"
)

// shortSession is how long a login by SCRAM-SHA-256 is valid, in milliseconds. After that
// a broker closes the connection at its next request.
const shortSession = "2000"

func TestKafkaALogInThatEndsSoonEndsNoGenerationAndFailsNoRequest(t *testing.T) {
	c := shared(t)
	c.NeedOwn(t)
	for _, listener := range []string{testkafka.SASLPlaintext, testkafka.SASLTLS} {
		t.Run(listener, func(t *testing.T) {
			t.Parallel()
			l := member(t, c.AddrsOf(listener), own(t, c, nil), func(cfg *kafkalog.Config) {
				cfg.SASL = scrammed(t, scram.SHA256, testkafka.Password)
				if listener == testkafka.SASLTLS {
					cfg.TLS = trust(t, c.Certificates.CA).Clone
				}
			})
			g := join(t, l)
			defer g.Release()
			failed := make(chan error, 10)
			begun := time.Now()
			each := func(what string, pause time.Duration, do func() error) {
				go func() {
					for time.Since(begun) < 11*time.Second { // longer than five logins
						if err := do(); err != nil {
							failed <- fmt.Errorf("%s after %v: %w", what, time.Since(begun), err)
							return
						}
						time.Sleep(pause)
					}
					failed <- nil
				}()
			}
			write := func() error {
				_, err := l.Produce(soon(t), l.cfg.Topics[0], 0, []consumer.Message{{Value: []byte("v")}})
				return err
			}
			each("fetch", 0, func() error { _, err := l.Fetch(soon(t), l.cfg.Topic, 0, 0, 1<<20); return err })
			each("write", 20*time.Millisecond, write)
			each("write after a pause longer than a login", 3*time.Second, write)
			each("commit", 50*time.Millisecond, func() error { return g.Commit(soon(t), map[int]consumer.Position{0: {Offset: 1}}) })
			each("look up", 300*time.Millisecond, func() error { _, err := l.Partitions(soon(t), l.cfg.Topic); return err })
			each("bounds", 300*time.Millisecond, func() error { _, _, err := l.Bounds(soon(t), l.cfg.Topic, 0); return err })
			for range 6 {
				if err := <-failed; err != nil {
					t.Error(err)
				}
			}
			select {
			case <-g.Ended():
				t.Error("the generation has ended")
			default:
			}
		})
	}
}
