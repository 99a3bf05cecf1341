package ledger

import (
	"fmt"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// Answered reports whether the event has an outcome. The timestamp must match too, because
// the offsets of a recreated topic start at 0 again.
func (l *Ledger) Answered(event events.Source) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timeline.seen(event.Time)
	a := l.answered[event.Partition]
	if a == nil {
		return false
	}
	yes, another := a.has(event)
	if another && !a.precedes(event.Offset, l.logs.ids[event.Partition]) {
		l.noteRecreated(event.Partition, a, fmt.Sprintf("the outcome for offset %d belongs to a different event", event.Offset))
	}
	return yes
}

// Covering implements retrier.Ledger.
func (l *Ledger) Covering(taskID string, event events.Source) (events.Outcome, bool) {
	id := idOf(taskID) // before the lock, which all tasks share
	l.mu.Lock()
	defer l.mu.Unlock()
	if u, ok := l.own.unpublished[keyOf(event)]; ok && u.task == taskID {
		return u.outcome(event), true
	}
	d := l.decisions.covering(id, event, l.logs.ids[event.Partition])
	if d == nil {
		return events.Outcome{}, false
	}
	return l.decisions.outcome(d, l.cfg.FailedTopic), true
}

// Retries returns the task's accepted retries within the window that ends now.
func (l *Ledger) Retries(taskID string) int {
	id := idOf(taskID)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decisions.advance(l.timeline.now())
	return int(l.decisions.tasks[id].retries)
}

// RetryBefore returns the task's latest accepted retry within the window that was sent
// before the event was in its log. As in Covering, offsets decide; a retry whose covers do
// not include the event's log is ignored.
func (l *Ledger) RetryBefore(taskID string, event events.Source) (p events.Retry, ok bool) {
	id := idOf(taskID)
	l.mu.Lock()
	defer l.mu.Unlock()
	d := l.decisions.before(id, event, l.logs.ids[event.Partition])
	if d == nil {
		return p, false
	}
	o := l.decisions.outcome(d, l.cfg.FailedTopic)
	return events.Retry{Source: o.Source, DecidedAt: o.DecidedAt}, true
}

// Decided notes a decision of this instance, before it is published.
func (l *Ledger) Decided(o events.Outcome) {
	others := affectsOthers(&o)
	kept := others || l.results != nil && o.PreviousRetry != nil
	var id taskID
	if kept {
		id = idOf(o.Failure.TaskID)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.timeline.starting {
		l.own.answeredEarly(o.Source)
	}
	if !kept {
		return
	}
	l.failedAgain(&o)
	if !others {
		return
	}
	l.logs.noteCovers(&o)
	l.keepAt(id, &o, l.timeline.now()) // not by the wall clock
	l.own.decided(&o)
}

// Published notes that outcomes of this instance, already passed to Decided, are on an
// outcome partition from the offset first on, without a gap, and answer these events, in
// any order. They are not read back.
func (l *Ledger) Published(topic string, partition int, first int64, answered ...events.Source) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, event := range answered {
		l.answer(event)
	}
	l.own.add(topicPartition{topic, partition}, consumer.Interval{From: first, To: first + int64(len(answered))})
}

// answer notes that an event has an outcome. mu is held.
func (l *Ledger) answer(event events.Source) {
	delete(l.own.unpublished, keyOf(event))
	if a := l.answered[event.Partition]; a != nil {
		a.add(event)
	}
}

// Opened notes the end of a partition that is about to be read. Covers of another log must
// not answer its events, nor false ones: the partition's covers are dropped if a cover ends
// above end, or if reading does not continue from a committed offset. Without a log id they
// are also dropped if an answered event is at end or above; with one it is unknown which log
// that answer belongs to.
func (l *Ledger) Opened(partition int, end, logID int64, continued bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logs.ids[partition] = logID
	a := l.answered[partition]
	switch {
	case a == nil:
	case l.logs.endOf(partition, logID) > end || logID == 0 && a.beyond(end):
		l.noteRecreated(partition, a, fmt.Sprintf("it ends at %d, below events that were answered", end))
	case !continued:
		l.forgetCovers(partition)
	}
}

// Committed drops the answers below low.
func (l *Ledger) Committed(partition int, low int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.answered[partition]; a != nil {
		a.raise(low)
	}
}

// noteRecreated notes and logs, once per assignment, that a partition of the failed topic was
// recreated, and drops its covers. mu is held.
func (l *Ledger) noteRecreated(partition int, a *answered, why string) {
	if a.recreated {
		return
	}
	a.recreated = true
	l.status.Recreated++
	l.forgetCovers(partition)
	l.cfg.Logger.Warnf("%s/%d: the topic was deleted and recreated: %s. Earlier retries cover none of its events", l.cfg.FailedTopic, partition, why)
}

func (l *Ledger) forgetCovers(partition int) {
	l.decisions.forgetCovers(partition, l.timeline.now())
	l.logs.forget(partition)
}
