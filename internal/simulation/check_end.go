package simulation

import (
	"fmt"
	"slices"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

// checkStopped checks an instance that has just stopped.
func (w *world) checkStopped(i *instance) {
	if took := w.s.now - i.stoppingAt; i.stoppingAt == 0 || took > w.cfg.ShutdownTimeout {
		w.violate("it stops in time, and only when told to", "instance %s has stopped after %v", i.name, took)
	}
	w.out.after(time.Millisecond, func() {
		if i.proc.live > 0 {
			w.violate("it leaves nothing running", "%d goroutines of instance %s have not ended with it", i.proc.live, i.name)
		}
	})
}

// unfinished describes what is left to do; empty: nothing.
func (w *world) unfinished() string {
	switch {
	case w.producers.pending > 0:
		return fmt.Sprintf("%d events have not been published", w.producers.pending)
	case w.mpc.pending > 0:
		return fmt.Sprintf("MPC is processing %d tasks", w.mpc.pending)
	case w.writes > 0:
		return fmt.Sprintf("%d writes are in flight", w.writes)
	}
	for _, i := range w.slots {
		if i.proc.dead {
			return "instance " + i.name + " is down"
		}
	}
	for p, records := range w.log.partitions {
		for o, e := range records {
			if !e.answered() && (w.aftermathOver || w.served(e)) {
				return fmt.Sprintf("event %d/%d has no answer: %s", p, o, e.value)
			}
		}
		if at, _ := w.broker.Position(p); w.aftermathOver && at.Offset < int64(len(records)) {
			return fmt.Sprintf("partition %d is committed up to %d of %d", p, at.Offset, len(records))
		}
		if last := w.log.last[p]; last.at < w.active || !last.by.up() {
			return fmt.Sprintf("partition %d has no owner that commits", p)
		}
	}
	return ""
}

// checkEnd checks the final state.
func (w *world) checkEnd() {
	for p := range w.log.partitions {
		at, _ := w.broker.Position(p)
		metadata, err := consumer.ParseCommitMetadata(at.Metadata, at.Offset)
		if err != nil || metadata.Called > 0 {
			w.violate("3: a clean stop leaves no doubt", "partition %d ends with the metadata %q", p, at.Metadata)
		}
		for o, e := range w.log.partitions[p] {
			if e != nil && !e.gone && (e.ignored || e.task == nil) && len(e.outcomes) > 0 {
				w.violate("only failures are answered", "event %d/%d (%s) has an outcome", p, o, e.value)
			}
		}
	}
	w.checkForgotten()
	w.checkCounted()
	w.checkRecovered()
}

// checkCounted: if a task failed once and was retried, some outcome counts the retry. A
// retry that MPC processes long after the task was seen FAILED cannot be known.
func (w *world) checkCounted() {
	if !w.mayQuery || !w.log.first || w.expiredAt > 0 {
		return
	}
	for _, t := range w.mpc.tasks {
		gone := func(e *event) bool { return e.gone }
		late := func(c *call) bool { return c.took && c.settled }
		counts := func(e *event) bool {
			return slices.ContainsFunc(e.outcomes, func(o *outcome) bool { return o.CountsAsRetry() })
		}
		if t.accepted > 0 && t.failures == 1 && !t.spread && !slices.ContainsFunc(t.calls, late) && !slices.ContainsFunc(t.events, gone) && !slices.ContainsFunc(t.events, counts) {
			w.violate("every accepted retry is counted", "task %s was retried, and no outcome counts it", t.id)
		}
	}
}

func (w *world) checkForgotten() {
	for _, t := range w.mpc.tasks {
		if t.behavior == retryable && t.status == mpcclient.StatusFailed && !t.mayStayFailed() {
			w.violate("no failure is forgotten", "task %s has failed %d times, and its last failure was not retried, though all its events are answered", t.id, t.failures)
		}
	}
}

// mayStayFailed: an answer to the last failure says why it was not retried, or its events
// were deleted unread.
func (t *task) mayStayFailed() bool {
	return slices.ContainsFunc(t.events, func(e *event) bool {
		return e.failure == t.failures && (e.gone || slices.ContainsFunc(e.outcomes, func(o *outcome) bool {
			switch o.Reason {
			case events.BudgetExhausted, events.NotRetryable, events.Expired, events.AttemptsExhausted:
				return true
			}
			return false
		}))
	})
}
