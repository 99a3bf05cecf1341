package ledger

import (
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// take takes note of a record of an outcome topic.
//
// What the headers say is enough to know that an event is answered; the value is
// read only for a decision about other events that is not known yet. So an outcome
// in a format of another version's still prevents a second answer.
func (l *Ledger) take(r *consumer.Record) {
	event, decided, ours, ok := events.ReadAnswered(r.Headers, l.cfg.Topic, l.cfg.Origin)
	if !ok {
		l.unreadable(r, "its headers are not an outcome's")
		return
	}
	if !l.note(r, event, decided, ours) {
		return
	}
	o, err := events.DecodeOutcome(r.Value, r.Headers)
	if err != nil {
		l.unreadable(r, "the event counts as answered: "+err.Error())
		return
	}
	l.keep(o)
}

// note takes note of the answer; it is false where there is nothing to learn from
// the value.
func (l *Ledger) note(r *consumer.Record, event events.Source, decided time.Time, ours bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !ours {
		l.status.Foreign++
		return false
	}
	if a := l.answered[event.Partition]; a != nil {
		a.add(event)
	}
	// A record's key is the task id. It is published after it was decided, by the
	// same clock.
	return events.MayTellOfOthers(r.Value) && !l.decisions.has(string(r.Key), event, decided) && r.Time.After(l.horizon())
}

// keep keeps a decision that says something about other events, unless it is
// known or too old.
func (l *Ledger) keep(o events.Outcome) {
	if len(o.Covers) == 0 && !o.CountsAsRetry() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if !o.DecidedAt.After(l.horizon()) || l.decisions.has(o.Failure.TaskID, o.Source, o.DecidedAt) {
		return
	}
	// A former owner's last word about an event may come after its successor's. Then
	// both cover; decisions says what counts.
	l.decisions.add(o)
	for _, c := range o.Covers {
		at := logOf{c.Partition, c.Log}
		l.covered[at] = max(l.covered[at], c.End)
	}
	for l.decisions.len() > l.max {
		l.decisions.drop()
		l.status.Forgotten++
		l.full.Problem("the ledger is full: the oldest decisions are forgotten before RETRY_BUDGET_WINDOW is over, and their retries not counted; shorten the window")
	}
}

// horizon is before all that may still be asked about. mu is held.
func (l *Ledger) horizon() time.Time { return l.cfg.Clock.Now().Add(-l.cfg.Window - skew) }

// expire forgets what is beyond the horizon.
func (l *Ledger) expire() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for horizon := l.horizon().UnixMilli(); l.decisions.len() > 0 && l.decisions.at(l.decisions.first).at <= horizon; {
		l.decisions.drop()
	}
	if l.decisions.len() < l.max {
		l.full.Over("the ledger has room again")
	}
}

// unreadable counts a record; the first is told of.
func (l *Ledger) unreadable(r *consumer.Record, why string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.status.Unreadable++; l.status.Unreadable == 1 {
		l.cfg.Logger.Warnf("offset %d of %s/%d is no outcome as this version writes them: %s. This and all such records are counted (the ledger's unreadable)", r.Offset, r.Topic, r.Partition, why)
	}
}
