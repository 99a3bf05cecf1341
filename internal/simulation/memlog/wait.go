package memlog

import (
	"context"
	"slices"
	"time"
)

// waiter waits for a change of the broker.
type waiter struct {
	partition *partition // it waits for records of this partition; nil: of none
	sleep     context.Context
	wake      context.CancelFunc
}

// listen registers for the next change. mu is held, and was held when the caller looked, so
// no change is missed. The result must be waited for.
func (b *Broker) listen(ctx context.Context, p *partition) *waiter {
	w := &waiter{partition: p}
	w.sleep, w.wake = context.WithCancel(ctx)
	b.waiting = append(b.waiting, w)
	return w
}

// wait sleeps for at most d, or until the change. mu is not held.
func (b *Broker) wait(w *waiter, d time.Duration) {
	_ = b.cfg.Clock.Sleep(w.sleep, d) // why it ended does not matter: the waiter checks again
	w.wake()
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.waiting, w); i >= 0 {
		b.waiting = slices.Delete(b.waiting, i, i+1)
	}
}

// wake wakes the waiters for a partition's records; nil: all waiters. mu is held.
func (b *Broker) wake(p *partition) {
	for _, w := range b.waiting {
		if p == nil || w.partition == p {
			w.wake()
		}
	}
}
