package retrier

import (
	"sync"

	"remux-retrier/events"
)

// mostRecent bounds how many decisions are remembered: those that may cover events
// which stood in the logs and were not read yet.
const mostRecent = 8192

// recent remembers the latest decisions of this process by when their calls were
// sent. The covers of an outcome tell only of partitions in which events of the task
// were known; where producers spread a task's events over partitions, others may
// have stood there unread. It is safe for concurrent use.
type recent struct {
	mu    sync.Mutex
	tasks map[string]recently
	order []string // ids, a ring
	next  int
}

type recently struct {
	sighted  uint64
	reason   events.Reason
	attempts int
	accepted bool
	source   events.Source
}

func newRecent() recent { return recent{tasks: map[string]recently{}} }

// add notes a decision that answers what was seen up to the given moment.
func (r *recent) add(task string, sighted uint64, o *events.Outcome) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.tasks[task]; !known {
		if len(r.order) < mostRecent {
			r.order = append(r.order, task)
		} else {
			delete(r.tasks, r.order[r.next])
			r.order[r.next] = task
			r.next = (r.next + 1) % mostRecent
		}
	}
	r.tasks[task] = recently{sighted, o.Reason, o.Attempts, o.AcceptedRetry, o.Source}
}

// covering is the task's decision, if the event was seen before its call was sent.
func (r *recent) covering(task string, seen uint64) (o events.Outcome, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	d, ok := r.tasks[task]
	if !ok || seen > d.sighted {
		return o, false
	}
	return events.Outcome{Reason: d.reason, Attempts: d.attempts, AcceptedRetry: d.accepted, Source: d.source}, true
}
