package kafkalog_test

import (
	"fmt"
	"net"
	"testing"
	"time"

	"remux-retrier/consumer/kafkalog"
)

// firstWord is how long a broker may take to send the first byte.
const firstWord = 3 * time.Second

// For kafka-go a broker is usable if it accepts a connection. Which broker is asked first is
// random: some of eight attempts begin with the silent one.
func TestASilentBrokerIsPassedOver(t *testing.T) {
	// The system accepts connections for it, but it never answers.
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { silent.Close() }) // the subtests run after this function
	c := fakeKafka(t)
	for i := range 8 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			l := member(t, []string{silent.Addr().String(), c.ListenAddrs()[0]}, func(cfg *kafkalog.Config) { cfg.GroupID = fmt.Sprint(i) })
			until(t, "the partitions are known", func() bool { _, err := l.Partitions(soon(t), consumed); return err == nil })
			join(t, l).Release()
			if took := time.Since(began); took > 3*firstWord {
				t.Errorf("it took %v", took)
			}
		})
	}
}
