package simulation

import "time"

// checkLate looks for events that should have been answered by now. Whatever other tasks
// do, an event of a task that MPC serves is answered within a bound.
func (w *world) checkLate() {
	if !w.mayQuery {
		return // without states, calls whose answers are lost keep their slots for long (docs/DESIGN.md)
	}
	for _, records := range w.log.partitions {
		for _, e := range records {
			if e.answered() || !w.served(e) {
				continue
			}
			if waits, bound := w.s.now-max(e.at, w.callableSince), w.answeredWithin(e); waits > bound {
				w.violate("8: no task holds up another", "event %d/%d (%s) has waited for %v, while its task could be served; %v are allowed",
					e.partition, e.offset, e.value, waits.Round(time.Millisecond), bound.Round(time.Millisecond))
				return
			}
		}
	}
}

// served: MPC answers calls for its task, and Kafka accepts the outcome.
func (w *world) served(e *event) bool {
	t := e.task
	return t == nil || t.behavior != alwaysFails && !w.goesTo(t, w.unwritable)
}

// Parts of the bound: a task whose calls have failed backs off and is called again within
// longestBackoff, and the group may first lose a member.
const (
	longestBackoff = 5*time.Minute + 10*time.Second
	slack          = 30 * time.Second
)

// answeredWithin is the bound. With a small quota it is mostly the time for calls of all
// tasks of the event's partition.
func (w *world) answeredWithin(e *event) time.Duration {
	bound := slack + 2*w.session + 2*(w.timeout+rebalanceSlack)
	if e.task.backsOff(e) {
		bound += longestBackoff
	}
	for _, t := range w.mpc.tasks {
		if t.alwaysFailed && len(t.events) > 0 {
			bound += 3 * w.timeout // it may hold a permit for a call that long, again and again
		}
	}
	if w.limit.perMinute > 0 {
		bound += time.Duration(8*len(w.mpc.tasks)) * time.Minute / time.Duration(w.limit.perMinute)
	} else if w.quota > 0 {
		bound += time.Duration(4*len(w.mpc.tasks)) * w.interval([]int{e.partition})
	}
	return bound
}

// backsOff: a call for the task has failed when the event came, or since.
func (t *task) backsOff(e *event) (failed bool) {
	if t == nil {
		return false
	}
	for _, c := range t.calls {
		failed = failed && (c.seq > e.seq || t.spread) || !c.decisive()
	}
	return failed
}

// interval is the time between requests that the quota gives the owner of these partitions.
func (w *world) interval(partitions []int) time.Duration {
	share, of := 0, len(w.log.partitions)
	for _, p := range partitions {
		share += (p+1)*w.quota/of - p*w.quota/of
	}
	if w.quota == 0 || share == 0 {
		return 0
	}
	return quotaWindow * 100 / time.Duration(95*share)
}
