package retrier

import (
	"slices"
	"sync"
	"time"

	"remux-retrier/events"
)

// fakeLedger is a ledger that forgets nothing and searches everything it has about a task.
type fakeLedger struct {
	takes time.Duration // how long it takes to note a decision

	mu      sync.Mutex
	decided map[string][]events.Outcome // outcomes by task
}

func (b *fakeLedger) Decided(o events.Outcome) {
	time.Sleep(b.takes)
	b.mu.Lock()
	defer b.mu.Unlock()
	task := o.Failure.TaskID
	for _, known := range b.decided[task] {
		if known.Source.Partition == o.Source.Partition && known.Source.Offset == o.Source.Offset && known.DecidedAt.Equal(o.DecidedAt) {
			return
		}
	}
	if b.decided == nil {
		b.decided = map[string][]events.Outcome{}
	}
	b.decided[task] = append(b.decided[task], o)
}

func (b *fakeLedger) Covering(taskID string, event events.Source) (found events.Outcome, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range slices.Backward(b.decided[taskID]) {
		for _, c := range o.Covers {
			if c.Partition != event.Partition || event.Offset >= c.End {
				continue
			}
			if o.Source.Partition == event.Partition && o.Source.Offset == event.Offset {
				return o, true
			}
			if !ok || o.CountsAsRetry() && !found.CountsAsRetry() {
				found, ok = o, true
			}
		}
	}
	return found, ok
}

func (b *fakeLedger) Retries(taskID string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.decided[taskID] {
		if o.CountsAsRetry() {
			n++
		}
	}
	return n
}
