package simulation

import (
	"bytes"
	"slices"
	"strconv"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// checkOutcome checks an outcome that has just been published against the event's earlier
// ones.
func (w *world) checkOutcome(e *event, o *outcome) {
	for _, former := range e.outcomes {
		if former.Reason.Kind() != o.Reason.Kind() && !former.attempt.underWay(o.attempt) && !o.attempt.underWay(former.attempt) {
			w.violate("3: one answer to an event", "event %d/%d of task %s has been answered %s by %s, and now %s by %s",
				e.partition, e.offset, e.task.id, former.Reason, former.by.name, o.Reason, o.by.name)
		}
		// A repeat may follow a lost acknowledgement, or be the last write of an owner that
		// did not know yet of its successor.
		acked := former.attempt.acked
		if former.by == o.by && acked > 0 && acked < o.attempt.sent || former.seq < o.attempt.since {
			w.violate("3: no outcome is repeated without need", "event %d/%d of task %s was answered by %s, and %s, which must know, answers it again",
				e.partition, e.offset, e.task.id, former.by.name, o.by.name)
		}
	}
	w.checkNumbers(e, o)
	w.checkTogether(o, e.task)
	if why := w.untrue(e, o); why != "" {
		w.violate("2: every reason is true", "event %d/%d of task %s is answered %s by %s: %s", e.partition, e.offset, e.task.id, o.Reason, o.by.name, why)
	}
}

// checkNumbers compares the outcome's counts with what happened. It may count one retry too
// many; DESIGN says when.
func (w *world) checkNumbers(e *event, o *outcome) {
	t, n := e.task, *o.Retries
	why := ""
	switch {
	case (o.CountsAsRetry() || o.Reason == events.Covered) && n < 1:
		why = "it implies a retry, but counts none"
	case o.Attempts > len(t.calls):
		why = strconv.Itoa(len(t.calls)) + " calls were made"
	}
	if p := o.PreviousRetry; p != nil {
		former := w.bySource[keyOf(p.Source)]
		switch {
		case former == nil || former.task != t || former == e || former.partition == e.partition && former.offset >= e.offset:
			why = "the retry before it is none of a failure before it"
		case o.Reason == events.Accepted && t.accepted < 2 && w.mayQuery:
			why = "its task has not failed again"
		}
	}
	if why != "" {
		w.violate("outcomes count right", "event %d/%d of task %s is answered %s by %s with %d retries and %d attempts: %s",
			e.partition, e.offset, t.id, o.Reason, o.by.name, n, o.Attempts, why)
	}
}

// underWay reports whether the write was sent but had not arrived when the other's
// generation began: no ledger could show it then, and Kafka fences no write outside
// transactions.
func (a *attempt) underWay(other *attempt) bool {
	return a.since != other.since && a.sent < other.since && a.arrived > other.since
}

// untrue says why a reason is wrong; empty: it is right.
func (w *world) untrue(e *event, o *outcome) string {
	t := e.task
	claim := func(holds bool, why string) string {
		if holds {
			return ""
		}
		return why
	}
	switch o.Reason {
	case events.Accepted, events.AlreadyRunning, events.Covered:
		if !w.mayQuery && (t.behavior == refusing || t.behavior == canceled) && o.Reason != events.Accepted {
			return "" // documented: without the permission, some refusals count as running
		}
		return claim(t.accepted >= e.failure, "it reports failure "+strconv.Itoa(e.failure)+", but "+strconv.Itoa(t.accepted)+" retries were accepted")
	case events.Rejected:
		return claim(t.refusals > 0 && (t.seenFail || !w.mayQuery), "MPC has not refused it")
	case events.TaskNotFound:
		return claim(t.behavior == absent, "MPC knows the task")
	case events.InvalidTask:
		return claim(t.behavior == invalid, "the task is valid")
	case events.NotRetryable:
		return claim(t.behavior == canceled || w.skip && e.code == skippedCode, "neither is it cancelled nor is its code skipped")
	case events.BudgetExhausted:
		counted := t.accepted
		if w.doubts {
			// A call before a crash whose task is found running counts as a retry of its
			// own, though it may be one that was counted before.
			counted = max(counted, *o.Retries)
		}
		return claim(w.budget > 0 && counted >= w.budget, strconv.Itoa(counted)+" retries were accepted")
	case events.AttemptsExhausted:
		// If a single call is all that a task has, a single failure among others' successes
		// is enough.
		if !t.alwaysFailed && (w.attempts > 1 || len(t.calls) == 0) {
			return "only an outage kept it from being served"
		}
		return w.overdrawn(e, o)
	case events.Expired:
		return claim(w.maxAge > 0 && (o.by.clock.Now().Sub(e.stamp) > w.maxAge || o.by.jumped), "it is not that old")
	}
	return "there is no such reason"
}

// deadLettered: a dead letter is in its topic.
func (w *world) deadLettered(i *instance, m consumer.Message, headers []events.Header, a *attempt) {
	said := map[string]string{}
	for _, h := range headers {
		said[h.Key] = string(h.Value)
	}
	partition, _ := strconv.Atoi(said["dead-letter-partition"]) // if it is not a number, no event is found
	offset, _ := strconv.ParseInt(said["dead-letter-offset"], 10, 64)
	stamp, _ := time.Parse(time.RFC3339, said["dead-letter-timestamp"])
	e := w.bySource[sourceKey{partition, offset, stamp.UnixMilli()}]
	if e == nil || e.task != nil || e.ignored || !bytes.Equal(e.value, m.Value) {
		w.violate("dead letters are what cannot be read, as it came", "instance %s dead-letters %q of %v", i.name, m.Value, said)
		return
	}
	i.tell("publishes a dead letter for event %d/%d", e.partition, e.offset)
	w.checkDone(i, e, a)
	if slices.ContainsFunc(e.letters, func(former *attempt) bool {
		return former.since == a.since && former.acked > 0 && former.acked < a.sent
	}) {
		w.violate("3: no dead letter is repeated without need", "instance %s dead-letters event %d/%d again in the same generation", i.name, e.partition, e.offset)
	}
	e.letters = append(e.letters, a)
}
