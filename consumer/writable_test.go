package consumer_test

import (
	"context"
	"testing"
	"time"

	"remux-retrier/consumer"
)

// fourSlow has four partitions to publish to; writes to the first one are slow.
type fourSlow struct {
	consumer.Client
	takes time.Duration
}

func (fourSlow) PartitionFor(_ context.Context, _ string, key []byte) (int, error) {
	return int(key[0]) % 4, nil
}

func (s fourSlow) Produce(ctx context.Context, topic string, p int, m []consumer.Message) (int64, error) {
	if p == 0 {
		time.Sleep(s.takes)
	}
	return s.Client.Produce(ctx, topic, 0, m)
}

// Forty messages may be unacknowledged in total; a partition's part is ten.
func TestAPartitionIsWritableWhileItsWritesEnd(t *testing.T) {
	const others = 3 // partitions with one message each
	for _, c := range []struct {
		name     string
		messages int // to the first partition
		takes    time.Duration
		at       time.Duration // since they were published
		want     bool
	}{
		{"a burst above its part", 15, 20 * time.Millisecond, 0, true},
		{"a burst of half of all", 20, 20 * time.Millisecond, 0, false},
		{"its part, and a write that takes long", 15, time.Minute, 100 * time.Millisecond, false},
		{"less than its part, and a write that takes long", 5, time.Minute, 100 * time.Millisecond, true},
		{"less than its part, and a write that hangs", 5, time.Minute, 2 * time.Second, false},
		{"a write that has ended", 15, 20 * time.Millisecond, 100 * time.Millisecond, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			inWorld(t, 1, func(w *world) {
				published := make(chan *consumer.Delivery, 1)
				a := w.start("a", func(_ context.Context, d *consumer.Delivery) error {
					m := answer(d)
					m.Key = []byte{0}
					if d.Offset < others {
						m.Key = []byte{byte(d.Offset + 1)}
					}
					d.Publish(func(error) {}, m)
					time.Sleep(time.Millisecond) // for the rest of the page
					if d.Offset == others {
						published <- d
					}
					return nil
				}, func(cfg *consumer.Config) { cfg.MaxInFlight, cfg.Client = 20, fourSlow{cfg.Client, c.takes} })
				w.append(0, others+c.messages)
				d := <-published
				time.Sleep(c.at)
				if got := d.Writable(out, []byte{0}); got != c.want {
					t.Errorf("writable: %v", got)
				}
				a.stop()
			})
		})
	}
}

// The writer of a message has not begun when the next task asks.
func TestAPartitionIsWritableRightAfterAMessageHasCome(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		const messages = 50
		not, left := 0, messages
		done := make(chan struct{})
		a := w.start("a", func(_ context.Context, d *consumer.Delivery) error {
			m := answer(d)
			m.Key = []byte{1}
			d.Publish(func(error) {}, m)
			if !d.Writable(out, m.Key) {
				not++
			}
			if left--; left == 0 {
				close(done)
			}
			return nil
		}, func(cfg *consumer.Config) { cfg.MaxInFlight, cfg.Client = 20, fourSlow{cfg.Client, 0} })
		for range messages {
			w.append(0, 1)
			time.Sleep(2 * time.Second) // longer than a write may take
		}
		<-done
		if not > 0 {
			t.Errorf("not writable %d of %d times", not, messages)
		}
		a.stop()
	})
}
