package history

import (
	"bytes"
	"cmp"
	"slices"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// entry is what a record says of the task, if it says anything.
func (t *telling) entry(r *consumer.Record) (Entry, bool) {
	e := Entry{At: r.Time, Topic: r.Topic, Partition: r.Partition, Offset: r.Offset}
	switch r.Topic {
	case t.r.cfg.Failed:
		return t.failure(r, e)
	case t.r.cfg.DeadLetter:
		return t.letter(r, e)
	}
	return t.answer(r, e)
}

func (t *telling) failure(r *consumer.Record, e Entry) (Entry, bool) {
	// An id may be written with escapes or in base64; anything else is not worth
	// parsing.
	if !bytes.Contains(r.Value, []byte(t.id)) && bytes.IndexByte(r.Value, '\\') < 0 && !bytes.Contains(r.Value, []byte("data_base64")) {
		return e, false
	}
	f, err := events.ReadFailure(r.Value, headers(r))
	if err != nil || f.TaskID != t.id {
		return e, false
	}
	e.Kind = FailureEvent
	e.Failure = &Failure{ID: f.ID, ErrorCode: f.ErrorCode, Description: f.Description, Forced: f.Forced}
	return e, true
}

func (t *telling) letter(r *consumer.Record, e Entry) (Entry, bool) {
	if !Mentions(r.Key, r.Value, t.id) {
		return e, false
	}
	l, err := events.ReadDeadLetter(headers(r))
	if err != nil {
		return e, false
	}
	e.Kind = DeadLetter
	e.DeadLetter = &Letter{
		Reason: l.Reason, Message: l.Message, Count: l.Count,
		Partition: l.Source.Partition, Offset: l.Source.Offset, Keyed: string(r.Key) == t.id,
	}
	return e, true
}

func (t *telling) answer(r *consumer.Record, e Entry) (Entry, bool) {
	if string(r.Key) != t.id {
		return e, false
	}
	o, err := events.DecodeOutcome(r.Value, headers(r))
	if err != nil || o.Origin != t.r.cfg.Origin || o.Source.Topic != t.r.cfg.Failed {
		return e, false
	}
	e.Kind, e.At = Outcome, o.DecidedAt
	e.Outcome = &Answer{
		Outcome: o.Reason.Kind(), Reason: o.Reason, Attempts: o.Attempts, Retries: o.Retries, CountsAsRetry: o.CountsAsRetry(),
		Partition: o.Source.Partition, Offset: o.Source.Offset, EventTime: o.Source.Time, Error: o.Error,
	}
	return e, true
}

func headers(r *consumer.Record) []events.Header {
	all := make([]events.Header, len(r.Headers))
	for i, h := range r.Headers {
		all[i] = events.Header(h)
	}
	return all
}

// order sorts the entries by time, and sees which events were answered, and by
// which outcome first.
func (h *History) order() {
	rank := map[Kind]int{FailureEvent: 0, DeadLetter: 1, Outcome: 2} // a question comes before its answer
	slices.SortStableFunc(h.Entries, func(a, b Entry) int {
		return cmp.Or(a.At.Compare(b.At), cmp.Compare(rank[a.Kind], rank[b.Kind]), cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset))
	})
	type event struct {
		partition      int
		offset, millis int64
	}
	answered := map[event]bool{}
	for i := range h.Entries {
		if a := h.Entries[i].Outcome; a != nil {
			at := event{a.Partition, a.Offset, a.EventTime.UnixMilli()}
			a.Repeat, answered[at] = answered[at], true
		}
	}
	for i := range h.Entries {
		if e := &h.Entries[i]; e.Failure != nil {
			e.Failure.Answered = answered[event{e.Partition, e.Offset, e.At.UnixMilli()}]
		}
	}
}
