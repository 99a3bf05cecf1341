package outcomes

import (
	"remux-retrier/consumer"
	"remux-retrier/events"
)

// task returns the task with this id. retryFailed: the record being read is an outcome
// retry_failed. Nil: the task is not wanted, or only tasks with such an outcome are, and none
// was read yet.
func (r *reading) task(id string, retryFailed bool) *Task {
	t := r.tasks[id]
	if t == nil && (retryFailed || !r.onlyRefused) && r.wanted(id) {
		t = &Task{ID: id, answered: map[eventKey]struct{}{}}
		r.tasks[id] = t
		r.held++
	}
	return t
}

// answer notes that an event is answered. It returns false for a repeated outcome.
func (r *reading) answer(t *Task, event events.Source) bool {
	at := keyOf(event)
	if _, before := t.answered[at]; before {
		return false
	}
	t.answered[at] = struct{}{}
	r.held++
	return true
}

// refusal reads a record of the topic of kind retry_failed.
func (r *reading) refusal(rec *consumer.Record) {
	id := string(rec.Key)
	if !r.wanted(id) {
		return
	}
	o, ok := r.outcome(rec)
	if !ok {
		return
	}
	t := r.task(id, true)
	if !r.answer(t, o.Source) || o.DecidedAt.Before(t.RetryFailed.At) {
		return
	}
	t.RetryFailed = Refusal{At: o.DecidedAt, Reason: o.Reason, FailureCode: o.Failure.ErrorCode}
	if o.Error != nil {
		t.RetryFailed.APICode = o.Error.Code
	}
}

// retry reads a record of the topic of kind retried.
func (r *reading) retry(rec *consumer.Record) {
	id := string(rec.Key)
	if r.onlyRefused && r.tasks[id] == nil || !r.wanted(id) {
		return
	}
	o, ok := r.outcome(rec)
	if !ok {
		return
	}
	t := r.task(id, false)
	if !r.answer(t, o.Source) {
		return
	}
	if o.DecidedAt.After(t.Retried) {
		t.Retried = o.DecidedAt
	}
	if o.CountsAsRetry() && !o.DecidedAt.Before(r.cfg.Since) {
		t.Accepted = append(t.Accepted, o.DecidedAt)
	}
}

// outcome decodes a record, if it is an answer of this group to an event of this topic.
func (r *reading) outcome(rec *consumer.Record) (events.Outcome, bool) {
	if _, _, ours, ok := events.ReadAnswered(rec.Headers, r.cfg.Failed, r.cfg.Origin); !ok || !ours {
		return events.Outcome{}, false
	}
	o, err := events.DecodeOutcome(rec.Value, rec.Headers)
	return o, err == nil && o.Failure.TaskID == string(rec.Key)
}

// failure reads a record of the failed topic. Its key need not be the task's id.
func (r *reading) failure(rec *consumer.Record) {
	read := events.ReadFailure
	if r.cfg.Successes {
		read = events.ReadEvent
	}
	f, err := read(rec.Value, rec.Headers)
	if err != nil || f.Succeeded {
		return
	}
	at, committed := r.positions[rec.Partition]
	e := failureEvent{eventKey: eventKey{rec.Partition, rec.Offset, rec.Time.UnixMilli()}, waits: !committed || rec.Offset >= at.Offset}
	e.ended = events.EndTime(rec.Value)
	if !e.waits && e.ended.IsZero() {
		return // conclude would not use it
	}
	if t := r.task(f.TaskID, false); t != nil {
		t.failures = append(t.failures, e)
		r.held++
	}
}
