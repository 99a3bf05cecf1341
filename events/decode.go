package events

import (
	"bytes"
	"fmt"
	"time"
)

// DecodeOutcome reads an outcome that Outcome.Encode has written. It is strict about
// everything the service relies on later (the id, the source, the reason and the covers),
// so that a foreign message on an outcome topic never counts as an answer. Fields that a
// later version may add are no error.
//
// Source.Time comes from the ce_id, which is exact for every timestamp. DecidedAt is
// whatever the value says, even a time in the future. Texts and covers are cut to what
// Encode would write.
func DecodeOutcome(value []byte, headers []Header) (Outcome, error) {
	outcome, err := decodeOutcome(value, headers)
	if err != nil {
		return Outcome{}, fmt.Errorf("read an outcome: %w", err)
	}
	return outcome, nil
}

// ReadAnswered reads only the headers of an outcome or a recovery: the event of the failed
// topic that it answers, its ce_time (zero: missing or invalid), and whether it is ours:
// one with this origin (Outcome.Origin) about an event of this topic. ok is false if the
// headers are not those of an outcome or a recovery. For our own answers it allocates
// nothing, because the ledger reads every one.
func ReadAnswered(headers []Header, topic, origin string) (event Source, decided time.Time, ours, ok bool) {
	var by []byte
	for _, h := range headers {
		switch h.Key {
		case "ce_id":
			event, ok = parseID(h.Value, topic)
		case "ce_source":
			by = h.Value
		case "ce_time":
			if at, err := time.Parse(time.RFC3339, string(h.Value)); err == nil {
				decided = at
			}
		}
	}
	return event, decided, string(by) == origin && event.Topic == topic, ok && len(by) > 0
}

// MayAffectOthers reports, without parsing the value of an outcome, whether it can concern
// events other than its own: through covers, or as an accepted retry. Most outcomes of a
// storm do not. True proves nothing, because the words may be part of a text.
func MayAffectOthers(value []byte) bool {
	return bytes.Contains(value, []byte(`"covers"`)) || bytes.Contains(value, []byte(`"accepted`))
}

// MayHavePreviousRetry reports in the same way whether an outcome can have a PreviousRetry.
func MayHavePreviousRetry(value []byte) bool {
	return bytes.Contains(value, []byte(`"previous_retry"`))
}

// cloudEvent holds the headers of a CloudEvent in binary mode.
type cloudEvent struct{ version, id, source, kind, subject, traceparent []byte }

// readCloudEvent reads the headers of one of our CloudEvents, and the position in the
// failed topic that its id names.
func readCloudEvent(headers []Header) (ce cloudEvent, source Source, err error) {
	for _, h := range headers {
		switch h.Key {
		case "ce_specversion":
			ce.version = h.Value
		case "ce_id":
			ce.id = h.Value
		case "ce_source":
			ce.source = h.Value
		case "ce_type":
			ce.kind = h.Value
		case "ce_subject":
			ce.subject = h.Value
		case "traceparent":
			ce.traceparent = h.Value
		}
	}
	if string(ce.version) != "1.0" {
		return ce, Source{}, fmt.Errorf("not a CloudEvent 1.0 in binary mode: ce_specversion is %.40q", ce.version)
	}
	source, ok := parseID(ce.id, "")
	if !ok {
		return ce, Source{}, fmt.Errorf("ce_id %.300q is not of the form topic:partition:offset:milliseconds", ce.id)
	}
	return ce, source, nil
}

func decodeOutcome(value []byte, headers []Header) (Outcome, error) {
	ce, source, err := readCloudEvent(headers)
	if err != nil {
		return Outcome{}, err
	}
	v := outcomeValue{outcome: Outcome{Source: source}}
	if err := v.read(value); err != nil {
		return Outcome{}, fmt.Errorf("the value: %w", err)
	}
	o := v.outcome
	if string(typeHeaders[o.Reason.Kind()].Value) != string(ce.kind) || o.Failure.TaskID != string(ce.subject) {
		return Outcome{}, fmt.Errorf("headers and value contradict each other: ce_type %.40q, ce_subject %.140q, reason %q, task_id %.140q",
			ce.kind, ce.subject, o.Reason, o.Failure.TaskID)
	}
	o.Origin = string(ce.source)
	o.Failure.Traceparent = string(ce.traceparent)
	return o, o.check()
}
