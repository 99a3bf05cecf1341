package ledger

import (
	"fmt"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// Answered tells whether the event has an outcome. The timestamp must match: the
// offsets of a topic that was deleted and created anew begin at 0 again.
func (l *Ledger) Answered(event events.Source) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timeline.seen(event.Time)
	a := l.answered[event.Partition]
	if a == nil {
		return false
	}
	yes, another := a.has(event)
	if another && !a.precedes(event.Offset, l.logs.names[event.Partition]) {
		l.recreated(event.Partition, a, fmt.Sprintf("the outcome for offset %d is another event's", event.Offset))
	}
	return yes
}

// Covering finds the decision whose call, or state query, answers the event too,
// because the event stood in its log when that was sent. This instance's own decision
// about the event, which was never published, comes first, its Source being event;
// then an accepted retry; then the latest. Of the outcome there are Reason,
// Attempts, AcceptedRetry, Source, Covers and DecidedAt.
func (l *Ledger) Covering(taskID string, event events.Source) (events.Outcome, bool) {
	id := idOf(taskID) // before the lock: all tasks share it
	l.mu.Lock()
	defer l.mu.Unlock()
	if u, ok := l.own.unpublished[placeOf(event)]; ok && u.task == taskID {
		return u.outcome(event), true
	}
	d := l.decisions.covering(id, event, l.logs.names[event.Partition])
	if d == nil {
		return events.Outcome{}, false
	}
	return l.decisions.outcome(d, l.cfg.Topic), true
}

// Retries counts the task's accepted retries within the window up to now.
func (l *Ledger) Retries(taskID string) int {
	id := idOf(taskID)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decisions.advance(l.timeline.now())
	return int(l.decisions.tasks[id].retries)
}

// RetryBefore finds the latest accepted retry of the task, within the window, that was
// sent before the event came. Offsets say so, as for Covering: where a retry's covers
// do not tell of the event's log, it is passed over.
func (l *Ledger) RetryBefore(taskID string, event events.Source) (p events.Retry, ok bool) {
	id := idOf(taskID)
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.decisions.before(id, event, l.logs.names[event.Partition])
	if d == nil {
		return p, false
	}
	o := l.decisions.outcome(d, l.cfg.Topic)
	return events.Retry{Source: o.Source, DecidedAt: o.DecidedAt}, true
}

// Decided takes note of a decision of ours, before it is published.
func (l *Ledger) Decided(o events.Outcome) {
	others := tellsOfOthers(&o)
	if !others && (l.ends == nil || o.PreviousRetry == nil) {
		return
	}
	id := idOf(o.Failure.TaskID)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failedAgain(&o)
	if !others {
		return
	}
	l.logs.covered(&o)
	l.keepAt(id, &o, l.timeline.now()) // whatever the wall clock said
	l.own.decided(&o)
}

// Published takes note that outcomes of ours, which Decided knows, stand at the
// offsets from first to below next of an outcome partition, and answer these events,
// in any order. They are not read back. Unless the events are as many as the offsets,
// nothing is noted: the outcomes are then read back like those of others.
func (l *Ledger) Published(topic string, partition int, first, next int64, answered ...events.Source) {
	if next <= first || int64(len(answered)) != next-first {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, event := range answered {
		l.answer(event)
	}
	l.own.add(partitionOf{topic, partition}, consumer.Interval{From: first, To: next})
}

// answer takes note that an event has an outcome. mu is held.
func (l *Ledger) answer(event events.Source) {
	delete(l.own.unpublished, placeOf(event))
	if a := l.answered[event.Partition]; a != nil {
		a.add(event)
	}
}

// Opened takes note that an assigned partition is about to be read, which ends at
// end. Where it is not continued from a committed offset, or ends before what is
// known of it, it is not the partition that past covers spoke of, or a cover is
// false: none of them is believed. Of a log with a name, only covers tell that: to
// which of several an answer belongs is not known.
func (l *Ledger) Opened(partition int, end, log int64, continued bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logs.names[partition] = log
	a := l.answered[partition]
	switch {
	case a == nil:
	case l.logs.endOf(partition, log) > end || log == 0 && a.beyond(end):
		l.recreated(partition, a, fmt.Sprintf("it ends at %d, before events that were answered", end))
	case !continued:
		l.forgetCovers(partition)
	}
}

// Committed drops what is answered below low.
func (l *Ledger) Committed(partition int, low int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.answered[partition]; a != nil {
		a.raise(low)
	}
}

// recreated says once in an assignment what was noticed of a partition of the
// failed topic. mu is held.
func (l *Ledger) recreated(partition int, a *answered, why string) {
	if a.recreated {
		return
	}
	a.recreated = true
	l.status.Recreated++
	l.forgetCovers(partition)
	l.cfg.Logger.Warnf("%s/%d is not the partition that it was, the topic was deleted and created again: %s. Retries before that cover none of its events", l.cfg.Topic, partition, why)
}

func (l *Ledger) forgetCovers(partition int) {
	l.decisions.forgetCovers(partition, l.timeline.now())
	l.logs.forget(partition)
}
