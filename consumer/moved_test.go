package consumer_test

import (
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/simulation/memlog"
)

// The outcome topic is re-created with fewer partitions between the choice of a partition
// and the write.
func TestMessagesFindTheirWayToATopicThatHasFewerPartitionsNow(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.broker.Create(out, 8)
		a := w.start("a", publishing)
		time.Sleep(2 * time.Second)
		recreated := false
		a.member.SetFault(func(op memlog.Operation) (time.Duration, error, error) {
			if op == memlog.Produce && !recreated {
				recreated = true
				w.broker.Delete(out)
				w.broker.Create(out, 1)
			}
			return 0, nil, nil
		})
		for n := range 50 {
			w.broker.Append(topic, 0, consumer.Message{Key: []byte{byte('a' + n%20)}, Value: []byte("v")})
		}
		time.Sleep(time.Minute)
		if n := len(w.broker.Records(out)); n < 50 {
			t.Errorf("%d of 50 messages are written", n)
		}
		a.stop()
	})
}
