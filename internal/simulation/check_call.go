package simulation

import (
	"slices"
	"time"

	"remux-retrier/events"
)

// checkCall checks a call that is about to be sent.
func (w *world) checkCall(c *call) {
	i, t := c.by, c.task
	if i.inFlight[t] > 1 {
		w.violate("6: never two calls for a task in flight in one instance", "instance %s calls for task %s, and its call before has not ended", i.name, t.id)
	}
	if limit := 2 * w.inFlight; len(i.open) > limit {
		w.violate("7: bounded work", "instance %s has called for %d tasks without acknowledged answers, %d are allowed", i.name, len(i.open), limit)
	}
	if len(c.unanswered) == 0 {
		w.violate("3: what is answered is not called for", "instance %s calls for task %s, of which it has no unanswered event", i.name, t.id)
	}
	if !slices.ContainsFunc(c.unanswered, func(e *event) bool { return w.owners[e.partition] == i }) {
		w.violate("3: only the owner calls", "instance %s calls for task %s, but others own the partitions of its events by now", i.name, t.id)
	}
	i.checkProof(w.callMaxAge(), "3: only the owner calls", "calls for task "+t.id)
	// The state query of an event in doubt answers all events that were in its log.
	if i.alive[t] && w.log.first && !t.spread && !slices.ContainsFunc(c.unanswered, func(e *event) bool { return e.gone || e.seq > i.since }) {
		w.violate("5: one failure costs one call", "instance %s calls for task %s, whose events were all in the log when it asked, after a crash, and found it running", i.name, t.id)
	}
	w.checkBudget(c)
	w.checkWritable(c)
	w.checkFailing(c)
	for _, former := range t.calls {
		w.checkRepeat(c, former)
	}
}

// checkRepeat checks whether an earlier call has made this one unnecessary, or needs a
// state query first.
func (w *world) checkRepeat(c, former *call) {
	if former.log != c.log || former.seq < w.expiredAt {
		return
	}
	i := c.by
	// Without its commit metadata a partition may have another log id than the covers, and
	// after a topic was recreated a ledger may forget more than necessary. Later
	// generations know of the partitions in which events of the task were known.
	handedOver := former.since == i.since || !c.task.spread
	covered := handedOver && w.log.first && former.seq > w.logIDChanged && !slices.ContainsFunc(c.unanswered, func(e *event) bool {
		return e.log != former.log || e.offset >= former.known[e.partition]
	})
	if covered && former.decisive() && i.knows(former) {
		w.violate("5: one failure costs one call", "instance %s calls for task %s, but call %d of %s, sent when all its unanswered events were in the log, was answered (%s)",
			i.name, c.task.id, former.n, former.by.name, answerOf(former))
	}
	if covered && i.exhausted(former) {
		w.violate("5: what an exhausted task covers is answered together", "instance %s calls for task %s, whose unanswered events were all in the log when call %d was sent, after which attempts_exhausted was answered",
			i.name, c.task.id, former.n)
	}
	doubt := !former.settled && (former.lost() || former.took && !i.knows(former))
	mayAsk := w.mayQuery && c.task.behavior != invalid // whose state is known from a refusal
	if follows(c, former) && doubt && mayAsk && i.asked[c.task] < i.minQuerySeq(former) {
		w.violate("3: a call in doubt is queried before the next one",
			"instance %s calls for task %s, event %d/%d, without having asked for its state since call %d of %s, whose answer was never published",
			i.name, c.task.id, c.unanswered[0].partition, c.unanswered[0].offset, former.n, former.by.name)
	}
}

// follows: the earlier call was for this call's event, or for one that is decided before
// it because it precedes it in the same partition.
func follows(c, former *call) bool {
	elsewhere := func(e *event) bool { return e.gone || e.partition != c.unanswered[0].partition }
	return len(c.unanswered) > 0 && slices.Contains(former.unanswered, c.unanswered[0]) &&
		!slices.ContainsFunc(c.unanswered, elsewhere) && !slices.ContainsFunc(former.unanswered, elsewhere)
}

// minQuerySeq returns the seq after which the instance must have queried the task's state.
// For a call of this generation: the call. For its own call of an earlier generation: also
// the call, if it has learned since that the task was not FAILED. For any other call: the
// call or the start of this generation, whichever is later.
func (i *instance) minQuerySeq(former *call) int {
	if former.since != i.since && (former.by != i || i.decided[former.task] < former.seq) {
		return max(former.seq, i.since)
	}
	return former.seq
}

// knows: the instance must know the call's answer, because it is its own or was published
// before its generation began.
func (i *instance) knows(c *call) bool {
	if c.by == i && c.ended && c.refusal == nil {
		return true
	}
	return slices.ContainsFunc(c.unanswered, func(e *event) bool {
		return slices.ContainsFunc(e.outcomes, func(o *outcome) bool {
			return o.by == c.by && !o.by.jumped && o.Attempts > 0 && (o.by == i || o.seq < i.since) && c.ended && !o.DecidedAt.Before(c.endedAt.Truncate(time.Millisecond))
		})
	})
}

func answerOf(c *call) string {
	if c.refusal == nil {
		return string(events.Accepted)
	}
	return c.refusal.Error()
}

// checkBudget checks the task's retries that the caller must know of. After a crash they
// may be fewer than MPC accepted: a retry whose task has failed again before its state is
// queried is not visible any more.
func (w *world) checkBudget(c *call) {
	if w.budget == 0 {
		return
	}
	known := 0
	for _, e := range c.task.events {
		if slices.ContainsFunc(e.outcomes, func(o *outcome) bool {
			return o.CountsAsRetry() && (o.by == c.by || o.seq < c.by.since)
		}) {
			known++
		}
	}
	if !w.doubts && !c.task.spread {
		known = max(known, c.task.accepted)
	}
	if known >= w.budget {
		w.violate("the budget holds", "instance %s calls for task %s, which has had %d retries, %d are allowed", c.by.name, c.task.id, known, w.budget)
	}
}
