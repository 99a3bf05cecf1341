package events

import (
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

// Headers that are the same in many outcomes.
var (
	versionHeader = Header{Key: "ce_specversion", Value: []byte("1.0")}
	jsonHeader    = Header{Key: "content-type", Value: []byte("application/json")}
	typeHeaders   = map[Kind]Header{
		Retried:     {Key: "ce_type", Value: []byte(Retried.Type())},
		RetryFailed: {Key: "ce_type", Value: []byte(RetryFailed.Type())},
	}
)

// Encode returns the outcome as a CloudEvent 1.0 in binary mode (Kafka protocol binding),
// keyed by the task id. The same failure event always gets the same ce_id. The message must
// not be changed: its parts share memory.
//
// It fails only for an invalid outcome, one that DecodeOutcome would reject.
func (o Outcome) Encode() (Message, error) {
	if err := o.check(); err != nil {
		return Message{}, fmt.Errorf("encode the outcome of task %q: %w", o.Failure.TaskID, err)
	}
	w := writer{make([]byte, 0, o.size())}
	m := Message{Value: o.writeValue(&w)}
	id, origin := w.part(o.Source.appendID(w.b)), w.part(append(w.b, o.Origin...))
	m.Key = w.part(append(w.b, o.Failure.TaskID...))
	decided := m.Value[len(m.Value)-len(`"}`)-len(timeLayout) : len(m.Value)-len(`"}`)]
	m.Headers = append(make([]Header, 0, 8), versionHeader,
		Header{Key: "ce_id", Value: id}, Header{Key: "ce_source", Value: origin}, typeHeaders[o.Reason.Kind()],
		Header{Key: "ce_subject", Value: m.Key}, Header{Key: "ce_time", Value: decided[:len(decided):len(decided)]}, jsonHeader)
	if parent := w.part(append(w.b, o.Failure.Traceparent...)); validTraceparent(parent) {
		m.Headers = append(m.Headers, Header{Key: "traceparent", Value: parent})
	}
	return m, nil
}

// size is about how many bytes Encode writes: enough unless texts need many escapes.
func (o *Outcome) size() int {
	f := &o.Failure
	size := 440 + 2*len(o.Source.Topic) + 2*len(f.TaskID) + len(o.Origin) + len(f.Traceparent) + 60*min(len(o.Covers), MaxCovers) +
		min(len(f.ID), maxText) + min(len(f.ErrorCode), maxText) + min(len(f.Description), maxText) + min(len(f.UserData), MaxUserData)
	if p := o.PreviousRetry; p != nil {
		size += 140 + len(p.Source.Topic)
	}
	if e := o.Error; e != nil {
		size += 64 + min(len(e.Code), maxText) + min(len(e.Message), maxText) + min(len(e.RequestID), maxText)
	}
	return size
}

// writeValue writes the fields in the order in which people read them.
func (o *Outcome) writeValue(w *writer) []byte {
	f := &o.Failure
	w.begin('{')
	w.text("task_id", f.TaskID)
	w.text("outcome", string(o.Reason.Kind()))
	w.text("reason", string(o.Reason))
	w.text("message", o.Reason.Message())
	if o.Retries != nil {
		w.number("retries", int64(*o.Retries))
	}
	if o.AcceptedRetry {
		w.yes("accepted_retry")
	}
	w.number("attempts", int64(o.Attempts))
	if p := o.PreviousRetry; p != nil {
		w.yes("failed_again")
		w.name("previous_retry").begin('{')
		w.text("outcome_id", p.Source.ID())
		w.time("decided_at", p.DecidedAt)
		w.end('}')
	}

	w.name("failed_event").begin('{')
	w.text("topic", o.Source.Topic)
	w.number("partition", int64(o.Source.Partition))
	w.number("offset", o.Source.Offset)
	if o.Source.hasTimestamp() {
		w.time("timestamp", o.Source.Time)
	}
	w.text("id", clean(f.ID))
	w.end('}')

	data := f.UserData
	if len(data) > MaxUserData || !utf8.ValidString(data) {
		data = ""
	}
	if f.ErrorCode != "" || f.Description != "" || data != "" {
		w.name("failure").begin('{')
		w.text("error_code", clean(f.ErrorCode))
		w.text("description", clean(f.Description))
		w.text("user_data", data)
		w.end('}')
	}
	if e := o.Error; e != nil && *e != (APIError{}) {
		w.name("error").begin('{')
		if e.Status != 0 {
			w.number("status", int64(e.Status))
		}
		w.text("error_code", clean(e.Code))
		w.text("error_msg", clean(e.Message))
		w.text("request_id", clean(e.RequestID))
		w.end('}')
	}
	o.writeCovers(w)
	w.time("decided_at", o.DecidedAt)
	w.end('}')
	return w.value()
}

func (o *Outcome) writeCovers(w *writer) {
	if len(o.Covers) == 0 {
		return
	}
	w.name("covers").begin('[')
	for _, c := range o.mostCovers() {
		w.begin('{')
		w.number("partition", int64(c.Partition))
		w.number("end_offset", c.End)
		if c.LogID != 0 {
			w.number("log", c.LogID)
		}
		w.end('}')
	}
	w.end(']')
}

// mostCovers returns at most MaxCovers. The cover of the event's own partition, if there is
// one, is always among them.
func (o *Outcome) mostCovers() []Cover {
	if len(o.Covers) <= MaxCovers {
		return o.Covers
	}
	kept := slices.Clone(o.Covers[:MaxCovers])
	if own := slices.IndexFunc(o.Covers, o.coversOwn); own >= MaxCovers {
		kept = slices.Insert(kept[:MaxCovers-1], 0, o.Covers[own])
	}
	return kept
}

func (o *Outcome) coversOwn(c Cover) bool { return c.Partition == o.Source.Partition }

func (o *Outcome) check() error {
	switch {
	case o.Reason.Kind() == "":
		return fmt.Errorf("unknown reason %q", o.Reason)
	case !o.Source.valid():
		return fmt.Errorf("the failure event has no valid position: %+v", o.Source)
	case o.Attempts < 0 || o.Retries != nil && *o.Retries < 0:
		return errors.New("attempts or retries are negative")
	case o.AcceptedRetry && o.Reason != AlreadyRunning:
		return fmt.Errorf("%q cannot stand for an accepted retry", o.Reason)
	case o.PreviousRetry != nil && (!o.PreviousRetry.Source.valid() || o.PreviousRetry.DecidedAt.IsZero()):
		return fmt.Errorf("the previous retry names no outcome: %+v", *o.PreviousRetry)
	case o.DecidedAt.IsZero():
		return errors.New("the time of the decision is missing")
	case o.Origin == "":
		return errors.New("the origin is missing")
	}
	for _, c := range o.Covers {
		if c.Partition < 0 || c.End < 0 {
			return fmt.Errorf("it has an invalid cover: %+v", c)
		}
	}
	return CheckTaskID(o.Failure.TaskID)
}
