package ledger

import (
	"maps"
	"slices"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// sweepEvery is how often the results of old retries are dropped.
const sweepEvery = 10 * time.Minute

// resultWithin is how long after the end of a retry's hour its result should be known.
const resultWithin = time.Hour

// retryResults holds the results of accepted retries: the task has succeeded, or has failed
// again. An entry takes about 100 bytes. Without Config.RecoveredTopic there are none, and
// count and drop do nothing.
type retryResults struct {
	byRetry map[eventKey]retryResult // a retry's key is the failure event that it answered
	hours   map[int64]*Hour          // by when the retries were decided, in hours since 1970
	swept   time.Time
}

// retryResult is the result of a retry.
type retryResult struct {
	decided   int64 // the retry's outcome, in Unix milliseconds
	recovered bool  // otherwise its task has failed again
	// by is the event that reported the success. Later reports of the same success are
	// ignored.
	by    eventKey
	noted int64 // when this became known, in Unix milliseconds
}

// Hour counts the accepted retries that were decided in an hour, by their result.
type Hour struct {
	From                            time.Time
	Retries, Recovered, FailedAgain int
}

// WithoutResult returns how many retries have no result yet: as recent while it may still
// come, as notHeardOf from an hour after the hour's end.
func (h Hour) WithoutResult(now time.Time) (recent, notHeardOf int) {
	without := max(0, h.Retries-h.Recovered-h.FailedAgain)
	if now.Before(h.From.Add(time.Hour + resultWithin)) {
		return without, 0
	}
	return 0, without
}

func newRetryResults() *retryResults {
	return &retryResults{byRetry: map[eventKey]retryResult{}, hours: map[int64]*Hour{}}
}

// hour returns the counts of the hour in which a retry was decided.
func (r *retryResults) hour(decided int64) *Hour {
	n := decided / time.Hour.Milliseconds()
	h := r.hours[n]
	if h == nil {
		h = &Hour{From: time.UnixMilli(n * time.Hour.Milliseconds()).UTC()}
		r.hours[n] = h
	}
	return h
}

// count counts accepted retries in the window.
func (r *retryResults) count(decided int64, n int) {
	if r != nil {
		r.hour(decided).Retries += n
	}
}

// drop forgets the result of a retry that is no longer in the window.
func (r *retryResults) drop(retry eventKey) {
	if r == nil {
		return
	}
	result, known := r.byRetry[retry]
	if !known {
		return
	}
	delete(r.byRetry, retry)
	if h := r.hour(result.decided); result.recovered {
		h.Recovered--
	} else {
		h.FailedAgain--
	}
}

// note notes a result. A success is final.
func (r *retryResults) note(retry events.Retry, result retryResult, most int) {
	at := keyOf(retry.Source)
	before, known := r.byRetry[at]
	if before.recovered || known && !result.recovered || !known && len(r.byRetry) >= most {
		return
	}
	result.decided = retry.DecidedAt.UnixMilli()
	if known {
		result.decided = before.decided
		r.hour(result.decided).FailedAgain--
	}
	r.byRetry[at] = result
	h := r.hour(result.decided)
	if result.recovered {
		h.Recovered++
	} else {
		h.FailedAgain++
	}
}

// sweep drops results that were noted before the horizon. It does not use the time when the
// retry was decided: a record may claim any time in the future.
func (r *retryResults) sweep(now, horizon time.Time) {
	if now.Sub(r.swept) < sweepEvery {
		return
	}
	r.swept = now
	for retry, result := range r.byRetry {
		if result.noted < horizon.UnixMilli() {
			r.drop(retry)
		}
	}
	maps.DeleteFunc(r.hours, func(_ int64, h *Hour) bool { return *h == Hour{From: h.From} })
}

// Recovery returns what to publish for an event that reports a task's success: the recovery
// after the task's latest accepted retry within the window. ok is false if there is no such
// retry, or if an earlier event has reported the success. The caller adds RecoveredAt,
// UserData and Traceparent. It requires Config.RecoveredTopic.
func (l *Ledger) Recovery(taskID string, event events.Source) (r events.Recovery, ok bool) {
	id := idOf(taskID)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.decisions.advance(l.timeline.now())
	n, first, latest := l.decisions.retriesOf(id, event, l.logs.ids[event.Partition])
	if n == 0 {
		return r, false
	}
	o := l.decisions.outcome(latest, l.cfg.FailedTopic)
	r = events.Recovery{
		TaskID: taskID, Source: event, Retries: n, Origin: l.cfg.Origin,
		Retry: events.Retry{Source: o.Source, DecidedAt: o.DecidedAt},
	}
	if failed := l.decisions.outcome(first, l.cfg.FailedTopic).Source; failed.HasTime() {
		r.FirstFailedAt = failed.Time
	}
	by := keyOf(event)
	if result := l.results.byRetry[keyOf(o.Source)]; result.recovered && result.by != by {
		return events.Recovery{}, false
	}
	l.results.note(r.Retry, retryResult{recovered: true, by: by, noted: l.timeline.now().UnixMilli()}, l.max)
	if l.timeline.starting {
		l.own.answeredEarly(event)
	}
	return r, true
}

// retriesOf counts a task's accepted retries within the window, of failures that were
// reported before the event, and returns the first and the latest of them. logID is the id
// of the event's log.
func (s *decisions) retriesOf(id taskID, event events.Source, logID int64) (n int, first, latest *decision) {
	for _, d := range s.ofTask(id) {
		later := int(d.partition) == event.Partition && d.first.partition == d.partition && d.first.logID == logID && d.offset >= event.Offset
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

// toRead reports whether the value of a record has something new: about other events than
// its own, or the result of a retry.
func (l *Ledger) toRead(r *consumer.Record, id taskID, event events.Source, decided time.Time) bool {
	if l.results != nil && (r.Topic == l.cfg.RecoveredTopic || events.MayHavePreviousRetry(r.Value)) {
		return true
	}
	return events.MayAffectOthers(r.Value) && !l.decisions.knows(id, event, decided)
}

// takeRecovery processes a recovery that a member has published.
func (l *Ledger) takeRecovery(r *consumer.Record) {
	recovery, err := events.DecodeRecovery(r.Value, r.Headers)
	if err != nil {
		l.unreadable(r, "the event counts as answered: "+err.Error())
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.noteResult(recovery.Retry, retryResult{recovered: true, by: keyOf(recovery.Source)})
}

// failedAgain notes what an outcome says about the retry before it. mu is held.
func (l *Ledger) failedAgain(o *events.Outcome) {
	if l.results != nil && o.PreviousRetry != nil {
		l.noteResult(*o.PreviousRetry, retryResult{})
	}
}

// noteResult notes a retry's result that an outcome or a recovery tells of, unless the retry
// has left the window. mu is held.
func (l *Ledger) noteResult(r events.Retry, result retryResult) {
	now := l.timeline.now()
	if result.noted = now.UnixMilli(); now.Sub(r.DecidedAt) < l.cfg.Window {
		l.results.note(r, result, l.max)
	}
}

// Hours returns the counts of the whole group's accepted retries within the window, by the
// hour in which they were decided, oldest first. Nil without Config.RecoveredTopic.
func (l *Ledger) Hours() (hours []Hour) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.results == nil {
		return nil
	}
	l.decisions.advance(l.timeline.now())
	for _, h := range l.results.hours {
		if h.Retries > 0 {
			hours = append(hours, *h)
		}
	}
	slices.SortFunc(hours, func(a, b Hour) int { return a.From.Compare(b.From) })
	return hours
}
