package ledger

import (
	"fmt"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// affectsOthers reports whether the outcome concerns events other than its own.
func affectsOthers(o *events.Outcome) bool { return len(o.Covers) > 0 || o.CountsAsRetry() }

// take processes a record of an outcome topic: the answer and, if learn is set, what it
// says about other events.
//
// The headers alone tell that an event is answered. The value is read only for an unknown
// decision about other events. So an outcome in another version's format still prevents a
// second answer.
func (l *Ledger) take(r *consumer.Record, learn bool) {
	defer func() {
		// No record may end the process.
		if p := recover(); p != nil {
			l.unreadable(r, fmt.Sprintf("handling it failed: %v", p))
		}
	}()
	if r.LeftOut != nil {
		l.unreadable(r, r.LeftOut.Why)
		return
	}
	event, decided, ours, ok := events.ReadAnswered(r.Headers, l.cfg.FailedTopic, l.cfg.Origin)
	if !ok {
		l.unreadable(r, "its headers are not those of an outcome")
		return
	}
	if !l.note(r, event, decided, ours, learn) {
		return
	}
	if l.results != nil && r.Topic == l.cfg.RecoveredTopic {
		l.takeRecovery(r)
		return
	}
	o, err := events.DecodeOutcome(r.Value, r.Headers)
	if err != nil {
		l.unreadable(r, "the event counts as answered: "+err.Error())
		return
	}
	id := idOf(o.Failure.TaskID)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failedAgain(&o)
	if affectsOthers(&o) {
		l.keep(id, &o, r.Time)
	}
}

// note notes the answer. It returns false if the value has nothing new.
func (l *Ledger) note(r *consumer.Record, event events.Source, decided time.Time, ours, learn bool) bool {
	id := idOf(r.Key) // the record's key is the task id
	l.mu.Lock()
	defer l.mu.Unlock()
	if !ours {
		l.status.Foreign++
		return false
	}
	l.answer(event)
	if !l.own.early[keyOf(event)] {
		l.timeline.seen(r.Time)
	}
	return learn && l.toRead(r, id, event, decided)
}

// keep keeps a decision that another member has published. mu is held.
func (l *Ledger) keep(id taskID, o *events.Outcome, published time.Time) {
	at, ok := l.timeline.decided(o.DecidedAt, published)
	if !ok || !at.After(l.horizon()) {
		return
	}
	l.logs.noteCovers(o)
	l.logs.limit(o.Covers)
	l.keepAt(id, o, at)
}

// keepAt keeps a decision that concerns other events, unless it is known. mu is held.
func (l *Ledger) keepAt(id taskID, o *events.Outcome, at time.Time) {
	if l.decisions.knows(id, o.Source, o.DecidedAt) {
		return
	}
	// A former owner's last outcome of an event may be read after its successor's. Then
	// both cover; decisions.claimRetry decides which of them counts.
	l.decisions.add(id, o, at)
	for l.decisions.len() > l.max {
		l.decisions.drop()
		l.status.Forgotten++
		l.full.Problem("the ledger is full: the oldest decisions are dropped before RETRY_BUDGET_WINDOW is over, and their retries no longer count; shorten the window")
	}
}

// horizon is the time before which decisions are not needed any more. mu is held.
func (l *Ledger) horizon() time.Time { return l.timeline.now().Add(-l.cfg.Window - skew) }

// expire drops everything older than the horizon.
func (l *Ledger) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.timeline.now()
	l.decisions.advance(now)
	if l.results != nil {
		l.results.sweep(now, now.Add(-l.cfg.Window-skew))
	}
	if l.decisions.wasteful() {
		l.decisions = l.decisions.compacted()
	}
	for at, u := range l.own.unpublished { // there are few
		if !u.decidedAt.After(now.Add(-l.cfg.Window - skew)) {
			delete(l.own.unpublished, at)
		}
	}
	if !l.timeline.starting {
		l.own.early = nil
	}
	if l.decisions.len() < l.max {
		l.full.Over("the ledger has room again")
	}
}

// unreadable counts a record. The first one is logged.
func (l *Ledger) unreadable(r *consumer.Record, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status.Unreadable++; l.status.Unreadable == 1 {
		l.cfg.Logger.Warnf("offset %d of %s/%d is not an outcome in this version's format: %s. All such records are counted (the ledger's unreadable records)", r.Offset, r.Topic, r.Partition, why)
	}
}
