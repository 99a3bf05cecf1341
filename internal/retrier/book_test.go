package retrier

import (
	"sync"
	"time"

	"remux-retrier/events"
)

// book is a ledger that forgets nothing, and that searches all of it.
type book struct {
	takes time.Duration // what it takes to note a decision

	mu      sync.Mutex
	decided []events.Outcome
}

func (b *book) Decided(o events.Outcome) {
	time.Sleep(b.takes)
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, known := range b.decided {
		if known.Failure.TaskID == o.Failure.TaskID && known.Source.Partition == o.Source.Partition && known.Source.Offset == o.Source.Offset {
			return
		}
	}
	b.decided = append(b.decided, o)
}

func (b *book) Covering(taskID string, event events.Source) (found events.Outcome, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.decided {
		if o.Failure.TaskID != taskID {
			continue
		}
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

func (b *book) Retries(taskID string) (n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, o := range b.decided {
		if o.Failure.TaskID == taskID && o.CountsAsRetry() {
			n++
		}
	}
	return n
}
