package history

import (
	"bytes"
	"strings"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// entry returns the entry for a record; false: it is not about the task.
func (t *reading) entry(r *consumer.Record) (Entry, bool) {
	e := Entry{At: r.Time, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
	switch r.Topic {
	case t.r.cfg.Failed:
		return t.failure(r, e)
	case t.r.cfg.DeadLetter:
		return t.letter(r, e)
	case t.r.cfg.Recovered:
		return t.success(r, e)
	}
	return t.answer(r, e)
}

func (t *reading) failure(r *consumer.Record, e Entry) (Entry, bool) {
	// Parsing is slow, so only values that may contain the id are parsed. It may be
	// written with escapes or in base64.
	if !bytes.Contains(r.Value, []byte(t.id)) && bytes.IndexByte(r.Value, '\\') < 0 && !bytes.Contains(r.Value, []byte("data_base64")) {
		return e, false
	}
	read := events.ReadFailure
	if t.r.cfg.Recovered != "" {
		read = events.ReadEvent
	}
	f, err := read(r.Value, r.Headers)
	if err != nil || f.TaskID != t.id || f.Succeeded {
		return e, false
	}
	e.Kind = FailureEvent
	e.Failure = &Failure{ID: f.ID, ErrorCode: f.ErrorCode, Description: f.Description, UserData: f.UserData, Forced: f.Forced}
	return e, true
}

func (t *reading) letter(r *consumer.Record, e Entry) (Entry, bool) {
	if !Mentions(r.Key, r.Value, t.id) {
		return e, false
	}
	l, err := events.ReadDeadLetter(r.Headers)
	if err != nil {
		return e, false
	}
	e.Kind = DeadLetter
	e.DeadLetter = &Letter{
		Reason: events.Defect(clip(string(l.Reason))), Message: clip(l.Message), Count: l.Count,
		Partition: l.Source.Partition, Offset: l.Source.Offset, Keyed: string(r.Key) == t.id,
	}
	return e, true
}

func (t *reading) answer(r *consumer.Record, e Entry) (Entry, bool) {
	if string(r.Key) != t.id {
		return e, false
	}
	o, err := events.DecodeOutcome(r.Value, r.Headers)
	if err != nil || o.Origin != t.r.cfg.Origin || o.Source.Topic != t.r.cfg.Failed {
		return e, false
	}
	e.Kind, e.At = Outcome, o.DecidedAt
	e.Outcome = &Answer{
		Outcome: o.Reason.Kind(), Reason: o.Reason, Attempts: o.Attempts, Retries: o.Retries, CountsAsRetry: o.CountsAsRetry(), FailedAgain: o.PreviousRetry != nil,
		Partition: o.Source.Partition, Offset: o.Source.Offset, EventTime: o.Source.Time,
	}
	if o.Error != nil {
		e.Outcome.Error = &events.APIError{Status: o.Error.Status, Code: clip(o.Error.Code), Message: clip(o.Error.Message), RequestID: clip(o.Error.RequestID)}
	}
	return e, true
}

// maxText is the longest text that the service writes. Other programs may have written
// longer ones.
const maxText = 1 << 10

func clip(text string) string {
	if len(text) <= maxText {
		return text
	}
	return strings.Clone(strings.ToValidUTF8(text[:maxText], ""))
}
