package ledger

import (
	"maps"
	"slices"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// sweepEvery is how often the ends of old retries are dropped.
const sweepEvery = 10 * time.Minute

// ends are what became of accepted retries: their tasks have succeeded, or have failed
// again. An entry takes about 100 bytes. Nil, where nobody asks: it takes nothing.
type ends struct {
	of    map[eventKey]retryEnd // by the failure event that the retry answered
	hours map[int64]*Hour       // by when the retries were decided, in hours since 1970
	swept time.Time
}

// retryEnd is what became of a retry.
type retryEnd struct {
	decided   int64 // the retry's outcome, in Unix milliseconds
	recovered bool  // otherwise its task has failed again
	// by is the event that told of the success. Others that tell of it later count for
	// nothing.
	by    eventKey
	noted int64 // when this became known, in Unix milliseconds
}

// Hour counts the accepted retries that were decided in an hour, by what became of them.
type Hour struct {
	From                            time.Time
	Retries, Recovered, FailedAgain int
}

// NotHeardOf are the retries of which nothing has come yet.
func (h Hour) NotHeardOf() int { return max(0, h.Retries-h.Recovered-h.FailedAgain) }

func newEnds() *ends { return &ends{of: map[eventKey]retryEnd{}, hours: map[int64]*Hour{}} }

// hour is the one in which a retry was decided.
func (e *ends) hour(decided int64) *Hour {
	n := decided / time.Hour.Milliseconds()
	h := e.hours[n]
	if h == nil {
		h = &Hour{From: time.UnixMilli(n * time.Hour.Milliseconds()).UTC()}
		e.hours[n] = h
	}
	return h
}

// count counts accepted retries in the window.
func (e *ends) count(decided int64, n int) { e.hour(decided).Retries += n }

// left drops what became of a retry that has left the window: it is not counted any more.
func (e *ends) left(retry eventKey) {
	end, known := e.of[retry]
	if !known {
		return
	}
	delete(e.of, retry)
	if h := e.hour(end.decided); end.recovered {
		h.Recovered--
	} else {
		h.FailedAgain--
	}
}

// note takes note of what became of a retry. That it has recovered is the last word.
func (e *ends) note(r events.Retry, end retryEnd, most int) {
	at := keyOf(r.Source)
	before, known := e.of[at]
	if before.recovered || known && !end.recovered || !known && len(e.of) >= most {
		return
	}
	end.decided = r.DecidedAt.UnixMilli()
	if known {
		end.decided = before.decided
		e.hour(end.decided).FailedAgain--
	}
	e.of[at] = end
	h := e.hour(end.decided)
	if end.recovered {
		h.Recovered++
	} else {
		h.FailedAgain++
	}
}

// sweep drops what nobody asks about any more because it was noted before the horizon.
// When the retry was decided does not say that: a record may name any time in the future.
func (e *ends) sweep(now, horizon time.Time) {
	if now.Sub(e.swept) < sweepEvery {
		return
	}
	e.swept = now
	for retry, end := range e.of {
		if end.noted < horizon.UnixMilli() {
			e.left(retry)
		}
	}
	maps.DeleteFunc(e.hours, func(_ int64, h *Hour) bool { return *h == Hour{From: h.From} })
}

// Recovery is what is to be published of an event that tells of a task's success: of the
// task's latest accepted retry within the window. It is false where there is none, or
// where an event before has told of its success. What is left to add are RecoveredAt,
// UserData and Traceparent. Only where Config.Recovered is set.
func (l *Ledger) Recovery(taskID string, event events.Source) (r events.Recovery, ok bool) {
	id := idOf(taskID)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decisions.advance(l.timeline.now())
	n, first, latest := l.decisions.retriesOf(id, event, l.logs.ids[event.Partition])
	if n == 0 {
		return r, false
	}
	o := l.decisions.outcome(latest, l.cfg.Topic)
	r = events.Recovery{
		TaskID: taskID, Source: event, Retries: n, Origin: l.cfg.Origin,
		Retry: events.Retry{Source: o.Source, DecidedAt: o.DecidedAt},
	}
	if asked := l.decisions.outcome(first, l.cfg.Topic).Source; asked.HasTime() {
		r.FirstFailedAt = asked.Time
	}
	by := keyOf(event)
	if end := l.ends.of[keyOf(o.Source)]; end.recovered && end.by != by {
		return events.Recovery{}, false
	}
	l.ends.note(r.Retry, retryEnd{recovered: true, by: by, noted: l.timeline.now().UnixMilli()}, l.max)
	return r, true
}

// retriesOf counts a task's accepted retries within the window, of failures that were
// reported before the event, and finds the first and the latest of them. log is the exact
// name of the event's log.
func (s *decisions) retriesOf(id taskID, event events.Source, log int64) (n int, first, latest *decision) {
	for _, d := range s.of(id) {
		later := int(d.partition) == event.Partition && d.first.partition == d.partition && d.first.log == log && d.offset >= event.Offset
		if !d.counts || d.expired || later {
			continue
		}
		n++
		if first == nil || s.madeAt(d) < s.madeAt(first) {
			first = d
		}
		if latest == nil || s.madeAt(d) > s.madeAt(latest) {
			latest = d
		}
	}
	return n, first, latest
}

// toRead tells whether the value of a record says something that is not known yet: of
// other events than its own, or of what became of a retry.
func (l *Ledger) toRead(r *consumer.Record, id taskID, event events.Source, decided time.Time) bool {
	if l.ends != nil && (r.Topic == l.cfg.Recovered || events.MayHavePreviousRetry(r.Value)) {
		return true
	}
	return events.MayAffectOthers(r.Value) && !l.decisions.knows(id, event, decided)
}

// takeRecovery takes note of a recovery that a member has published.
func (l *Ledger) takeRecovery(r *consumer.Record) {
	recovery, err := events.DecodeRecovery(r.Value, r.Headers)
	if err != nil {
		l.unreadable(r, "the event counts as answered: "+err.Error())
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.noteEnd(recovery.Retry, retryEnd{recovered: true, by: keyOf(recovery.Source)})
}

// failedAgain takes note of what an outcome says of the retry before. mu is held.
func (l *Ledger) failedAgain(o *events.Outcome) {
	if l.ends != nil && o.PreviousRetry != nil {
		l.noteEnd(*o.PreviousRetry, retryEnd{})
	}
}

// noteEnd takes note of what a record says became of a retry, unless that has left the
// window. mu is held.
func (l *Ledger) noteEnd(r events.Retry, end retryEnd) {
	now := l.timeline.now()
	if end.noted = now.UnixMilli(); now.Sub(r.DecidedAt) < l.cfg.Window {
		l.ends.note(r, end, l.max)
	}
}

// Hours tell what became of the accepted retries of the whole group that are within the
// window, by the hour in which they were decided, the oldest first. Nil where
// Config.Recovered is not set.
func (l *Ledger) Hours() (hours []Hour) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.ends == nil {
		return nil
	}
	l.decisions.advance(l.timeline.now())
	for _, h := range l.ends.hours {
		if h.Retries > 0 {
			hours = append(hours, *h)
		}
	}
	slices.SortFunc(hours, func(a, b Hour) int { return a.From.Compare(b.From) })
	return hours
}
