package outcomes

import (
	"remux-retrier/consumer"
	"remux-retrier/events"
)

// task is the one of this id; nil: nothing is told of it.
func (r *reading) task(id string, refusal bool) *Task {
	t := r.tasks[id]
	if t == nil && (refusal || !r.refused) && r.wanted(id) {
		t = &Task{ID: id, answered: map[place]struct{}{}}
		r.tasks[id] = t
		r.held++
	}
	return t
}

// answer notes that an event is answered. It is false for a repeated outcome.
func (r *reading) answer(t *Task, event events.Source) bool {
	at := placeOf(event)
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
	if r.refused && r.tasks[id] == nil || !r.wanted(id) {
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

// outcome is what a record says, if it is an answer of this group's to an event of this
// topic.
func (r *reading) outcome(rec *consumer.Record) (events.Outcome, bool) {
	if _, _, ours, ok := events.ReadAnswered(rec.Headers, r.cfg.Failed, r.cfg.Origin); !ok || !ours {
		return events.Outcome{}, false
	}
	o, err := events.DecodeOutcome(rec.Value, rec.Headers)
	return o, err == nil && o.Failure.TaskID == string(rec.Key)
}

// question reads a record of the failed topic. Its key need not be the task's id.
func (r *reading) question(rec *consumer.Record) {
	read := events.ReadFailure
	if r.cfg.Successes {
		read = events.ReadEvent
	}
	f, err := read(rec.Value, rec.Headers)
	if err != nil || f.Succeeded {
		return
	}
	at, committed := r.positions[rec.Partition]
	q := question{place: place{rec.Partition, rec.Offset, rec.Time.UnixMilli()}, waits: !committed || rec.Offset >= at.Offset}
	q.ended = events.EndTime(rec.Value)
	if !q.waits && q.ended.IsZero() {
		return // its outcome says more
	}
	if t := r.task(f.TaskID, false); t != nil {
		t.asked = append(t.asked, q)
		r.held++
	}
}
