package consumer_test

import (
	"slices"
	"sync"
	"testing"
	"time"

	"remux-retrier/consumer"
)

// arrivals answers each record and notes the order of Receive calls.
type arrivals struct {
	mu      sync.Mutex
	offsets map[int][]int64 // by partition
}

func (a *arrivals) Receive(d *consumer.Delivery) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.offsets[d.Partition] = append(a.offsets[d.Partition], d.Offset)
	d.Go(func() { _ = publish(d, answer(d)) })
}

func (a *arrivals) Release() {}

// A task's events are answered in the order in which they are received.
func TestRecordsAreReceivedInTheOrderOfTheirOffsets(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		w.append(0, 300)
		w.append(1, 300)
		all := &arrivals{offsets: map[int][]int64{}}
		a := w.start("a", nil, func(c *consumer.Config) { c.Handler = all })
		time.Sleep(5 * time.Second)
		a.stop()
		w.wantOnce()
		for p, offsets := range all.offsets {
			if len(offsets) != 300 || !slices.IsSorted(offsets) {
				t.Errorf("partition %d: %d records, received in this order: %v", p, len(offsets), offsets)
			}
		}
	})
}
