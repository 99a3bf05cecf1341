package retrier

import (
	"slices"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/story"
)

// task is one piece of work, however many events tell of it. The schedule's lock
// guards it; run is its goroutine's while it runs.
type task struct {
	id string
	// waiting are its events in the order in which they came. The first is being
	// decided, or will be next.
	waiting []*event
	one     [1]*event // waiting, where there is but one
	phase   phase
	due     time.Time // when a task that waits for a time comes back
	outage  bool      // it would come back sooner if MPC served
	// slot: it holds a place among the called and not acknowledged.
	slot bool
	// calls: it is on its way to a call, or in one.
	calls bool
	// begins: it runs without a slot, as one of the beginners.
	begins bool
	// wantsSlot: it has found none, and cannot go on without.
	wantsSlot bool
	// run is how far the first event is; nil: not begun.
	run *run
}

// phase is what a task does or waits for.
type phase int

const (
	ready      phase = iota // waits to run
	atWork                  // has a goroutine
	backingOff              // waits for a time, after a call that failed
	settling                // waits for a time, until a state counts
	blocked                 // waits for a time, because Kafka does not take its answer
	held                    // until Release: the generation ends, or its goroutine has panicked
)

// event is one that waits for its answer.
type event struct {
	Event
	came  time.Time
	stale bool // was older than MaxAge then
}

func (ev *event) step(s story.Step) {
	if ev.Trail != nil {
		ev.Trail.Step(s)
	}
}

// extent is what stood in the logs at a moment: a call that is sent then answers it.
type extent struct {
	// covers are the ends of the partitions in which events of the task are known.
	covers []events.Cover
	// sighted is the moment, see Lease.Sighted: for this process it tells of all
	// partitions.
	sighted uint64
}

// extent is the present one.
func (t *task) extent() (x extent) {
	for _, ev := range t.waiting {
		i := slices.IndexFunc(x.covers, func(c events.Cover) bool { return c.Partition == ev.Source.Partition })
		if i < 0 {
			end, log := ev.Lease.End()
			x.covers = append(x.covers, events.Cover{Partition: ev.Source.Partition, End: end, Log: log})
			continue
		}
		x.covers[i].End = max(x.covers[i].End, ev.Source.Offset+1)
	}
	slices.SortFunc(x.covers, func(a, b events.Cover) int { return a.Partition - b.Partition })
	x.sighted = t.waiting[0].Lease.Sighted()
	return x
}
