package simulation

import (
	"slices"
	"strconv"
	"time"

	"remux-retrier/events"
)

// togetherWithin is how long after attempts_exhausted the covered events may take to be
// answered.
const togetherWithin = 5 * time.Second

// lastCall is the task's last call that the instance had made, in the outcome's generation,
// when it decided the outcome; nil: none, or its clock is unreliable.
func (o *outcome) lastCall(t *task) *call {
	for _, c := range slices.Backward(t.calls) {
		if c.by == o.by && c.since == o.attempt.since && c.ended && !o.by.jumped && !o.DecidedAt.Before(c.endedAt.Truncate(time.Millisecond)) {
			return c
		}
	}
	return nil
}

// covers: the event was in the log, as the caller knew it, when the call was sent.
func (c *call) covers(e *event) bool {
	return c.log == e.log && e.offset < c.known[e.partition]
}

// overdrawn says why attempts_exhausted is wrong for the event although calls for its task
// have failed; empty: it is right. The event was called for often enough, or was in the log
// when the last call was sent.
func (w *world) overdrawn(e *event, o *outcome) string {
	t := e.task
	switch {
	case o.Attempts >= w.attempts:
		return ""
	case o.Attempts > 0:
		return "only " + strconv.Itoa(o.Attempts) + " calls were made for it"
	}
	if last := o.lastCall(t); last != nil {
		if !last.covers(e) {
			return "it came after call " + strconv.Itoa(last.n) + ", the last, was sent"
		}
		return ""
	}
	if !slices.ContainsFunc(t.calls, func(c *call) bool { return c.covers(e) }) {
		return "it came after all calls"
	}
	return ""
}

// checkTogether: the events that attempts_exhausted covers are answered with it.
func (w *world) checkTogether(o *outcome, t *task) {
	last := o.lastCall(t)
	if o.Reason != events.AttemptsExhausted || o.Attempts == 0 || last == nil {
		return
	}
	i, since := o.by, o.attempt.since
	w.out.after(togetherWithin, func() {
		if !w.healed || i.since != since || !i.up() {
			return // the next owner answers them
		}
		for _, e := range t.events {
			if !e.answered() && last.covers(e) && slices.Contains(i.assigned, e.partition) && !w.goesTo(t, w.unwritable) {
				w.violate("5: what an exhausted task covers is answered together", "event %d/%d of task %s has no answer, though it was in the log when call %d was sent, after which %s has answered attempts_exhausted",
					e.partition, e.offset, t.id, last.n, i.name)
				return
			}
		}
	})
}

// exhausted: the call was the last one before an attempts_exhausted answer that the
// instance must know of.
func (i *instance) exhausted(c *call) bool {
	return slices.ContainsFunc(c.task.events, func(e *event) bool {
		return slices.ContainsFunc(e.outcomes, func(o *outcome) bool {
			return o.Reason == events.AttemptsExhausted && o.Attempts > 0 && (o.by == i || o.seq < i.since) && o.lastCall(c.task) == c
		})
	})
}
