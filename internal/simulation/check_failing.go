package simulation

import (
	"slices"
	"time"
)

// ended is a finished retry call, as evidence of how the API serves others.
type ended struct {
	task   *task
	served bool
}

// Limits of the calls for a task that always fails. Its backoff doubles from a second on,
// with 50 % jitter: seven calls in the first minute.
const (
	failingMinute = 10 // calls in a minute, by one generation
	minSamples    = 15 // calls for others before and after a failure that show that it is the task's own
)

// checkFailing checks a call for a task whose calls always fail, together with the earlier
// calls of this generation: they must be rare, and few while the API serves others.
func (w *world) checkFailing(c *call) {
	i, t := c.by, c.task
	if t.behavior != alwaysFails {
		return
	}
	lately, all, own, next, anew := 1, 1, 0, c, false
	for _, former := range slices.Backward(t.calls) {
		if former.by != i || former.since != i.since || !former.ended {
			continue
		}
		// A failure after attempts_exhausted was answered starts a new count and backoff.
		anew = anew || i.exhausted(former)
		if w.s.now-former.at < time.Minute && former.at >= w.mpc.throttledAt {
			all++
			if !anew {
				lately++
			}
		}
		if !anew && i.servesOthers(former.endedBefore, next.begunAfter, t) {
			own++
		}
		next = former
	}
	if lately > failingMinute || all > 2*failingMinute {
		w.violate("5: a task that always fails is called rarely", "instance %s calls for task %s, whose calls always fail: %d calls in a minute", i.name, t.id, all)
	}
	if own >= 2*w.attempts && !i.jumped { // otherwise its clock does not tell what was answered when
		w.violate("5: a task that always fails costs few calls", "instance %s calls for task %s, and %d of its calls have failed while the API served others; %d attempts are configured", i.name, t.id, own, w.attempts)
	}
}

// servesOthers: the API served others right before a call of the task ended and until its
// next one began. Both are numbers of calls that had ended by then.
func (i *instance) servesOthers(failed, next int, t *task) bool {
	before, failedBefore := 0, 0
	for n := failed - 1; n >= 0 && before < minSamples; n-- {
		if e := i.calls[n]; e.task != t {
			before++
			failedBefore += failures(e)
		}
	}
	after, failedAfter := 0, 0
	for _, e := range i.calls[failed:next] {
		if e.task != t {
			after++
			failedAfter += failures(e)
		}
	}
	return before >= minSamples && after >= minSamples && failedBefore+failedAfter == 0
}

func failures(e ended) int {
	if e.served {
		return 0
	}
	return 1
}
