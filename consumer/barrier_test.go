package consumer_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"remux-retrier/consumer"
)

// slowEnd has one partition whose end is known late.
type slowEnd struct {
	consumer.Client
	takes time.Duration
}

func (s slowEnd) Bounds(ctx context.Context, topic string, p int) (first, next int64, err error) {
	if p == 1 {
		time.Sleep(s.takes)
	}
	return s.Client.Bounds(ctx, topic, p)
}

// A call answers the events of its task that were observed before it, in all partitions.
func TestNothingIsCalledBeforeAllPartitionsHaveBeenSeen(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		w.append(0, 1)
		w.append(1, 1)
		var mu sync.Mutex
		var called uint64 // number of the last observation at the first call
		later := 0        // events that were first observed after it
		a := w.start("a", func(_ context.Context, d *consumer.Delivery) error {
			mu.Lock()
			defer mu.Unlock()
			if called == 0 {
				called = d.LastObservation()
			}
			if d.FirstObserved() > called {
				later++
			}
			return publish(d, answer(d))
		}, func(c *consumer.Config) { c.Client = slowEnd{c.Client, 500 * time.Millisecond} })
		time.Sleep(5 * time.Second)
		a.stop()
		w.wantOnce()
		if called == 0 || later > 0 {
			t.Errorf("%d events were observed only after the first call, number %d", later, called)
		}
	})
}

func TestAPartitionWhoseEndIsNotLearnedHoldsUpTheOthersForASecond(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		w.append(0, 1)
		a := w.start("a", nil, func(c *consumer.Config) { c.Client = slowEnd{c.Client, time.Minute} })
		time.Sleep(3 * time.Second)
		if n := len(w.calls()); n != 1 {
			t.Errorf("%d calls after three seconds, want 1", n)
		}
		a.stop()
	})
}
