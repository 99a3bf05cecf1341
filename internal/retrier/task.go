package retrier

import (
	"slices"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/story"
)

// task is one unit of work, however many events it has. The schedule's lock guards it;
// while it runs, progress, failedAt and write belong to its goroutine.
type task struct {
	id string
	// waiting are its events in order of arrival. The first one is being decided, or is
	// next.
	waiting []*event
	one     [1]*event // storage of waiting for a single event
	phase   phase
	due     time.Time // when a task that waits for a time continues
	outage  bool      // it would continue sooner if MPC served
	// hasSlot: it holds one of the slots for called and unacknowledged events.
	hasSlot bool
	// calling: it is on its way to a call, or in one.
	calling bool
	// startedWithoutSlot: take started it without giving it a slot. It may still hold one.
	startedWithoutSlot bool
	// wantsSlot: it cannot continue without a slot.
	wantsSlot bool
	// progress is that of the first event; nil: not started.
	progress *progress
	// failedAt is when the latest query was sent that found the task FAILED; zero: none was,
	// or the task was called since.
	failedAt time.Time
	// write writes the outcome of the event that was answered last; nil: nothing to do.
	write func()
}

// phase is what a task does or waits for. schedule.take moves a task from ready to atWork,
// schedule.putAside to its next phase, and schedule.wakeDue back to ready when it is due.
// When the generation ends, Release removes all tasks.
type phase int

const (
	ready      phase = iota // queues for a goroutine, and for a slot if wantsSlot; also a new task
	atWork                  // a goroutine runs it
	backingOff              // a call failed: waits for its backoff, or for samples that show whether others fail too
	settling                // a call is in doubt: waits until the state FAILED counts, or until its next query
	blocked                 // Kafka could not store its outcome: waits for blockedFor
	ending                  // waits for Release: the generation ends, or its goroutine has panicked
)

// event is an event that waits for its answer.
type event struct {
	Event
	arrived time.Time
	stale   bool // it was older than MaxAge on arrival
}

func (ev *event) step(s story.Step) {
	if ev.Listener != nil {
		ev.Listener.Step(s)
	}
}

// extent is what was in the logs at a moment. A call that is sent then answers all of it.
type extent struct {
	// covers are the ends of the partitions in which events of the task are known.
	covers []events.Cover
	// lastObservation is the moment, see Lease.LastObservation. Within this process it
	// applies to all partitions.
	lastObservation uint64
}

// extent is the current one.
func (t *task) extent() (x extent) {
	for _, ev := range t.waiting {
		i := slices.IndexFunc(x.covers, func(c events.Cover) bool { return c.Partition == ev.Source.Partition })
		if i < 0 {
			end, logID := ev.Lease.End()
			x.covers = append(x.covers, events.Cover{Partition: ev.Source.Partition, End: end, LogID: logID})
			continue
		}
		x.covers[i].End = max(x.covers[i].End, ev.Source.Offset+1)
	}
	slices.SortFunc(x.covers, func(a, b events.Cover) int { return a.Partition - b.Partition })
	x.lastObservation = t.waiting[0].Lease.LastObservation()
	return x
}
