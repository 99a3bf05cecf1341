package retrier

import (
	"sync"

	"remux-retrier/events"
)

// maxRecent bounds the remembered decisions: those that may cover events which were in the
// logs but not read yet.
const maxRecent = 8192

// recent remembers this process's latest decisions, and when their calls were sent. The
// covers of an outcome name only partitions in which events of the task were known. If
// producers spread a task's events over partitions, others may have been there unread. It
// is safe for concurrent use.
type recent struct {
	mu    sync.Mutex
	tasks map[string]recentDecision
	order []string // ids, a ring buffer
	next  int
}

// recentDecision is a task's latest decision. lastObservation is that of its call, see
// Lease.LastObservation.
type recentDecision struct {
	lastObservation uint64
	reason          events.Reason
	attempts        int
	accepted        bool
	source          events.Source
}

func newRecent() recent { return recent{tasks: map[string]recentDecision{}} }

// add notes a decision that answers everything observed up to a call.
func (r *recent) add(task string, lastObservation uint64, o *events.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.tasks[task]; !known {
		if len(r.order) < maxRecent {
			r.order = append(r.order, task)
		} else {
			delete(r.tasks, r.order[r.next])
			r.order[r.next] = task
			r.next = (r.next + 1) % maxRecent
		}
	}
	r.tasks[task] = recentDecision{lastObservation, o.Reason, o.Attempts, o.AcceptedRetry, o.Source}
}

// covering returns the task's decision if the event was observed before its call was sent.
func (r *recent) covering(task string, firstObserved uint64) (o events.Outcome, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, ok := r.tasks[task]
	if !ok || firstObserved > d.lastObservation {
		return o, false
	}
	return events.Outcome{Reason: d.reason, Attempts: d.attempts, AcceptedRetry: d.accepted, Source: d.source}, true
}
