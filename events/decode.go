package events

import (
	"bytes"
	"fmt"
	"time"
)

// DecodeOutcome reads back what Outcome.Encode has written. It is strict about
// everything the service relies on later (the id, the source, the reason and
// what is covered), so that a stranger's message on an outcome topic is never
// taken for an answer; fields that a later version may add are no error.
//
// Source.Time comes from the ce_id, which is exact for every timestamp. DecidedAt is
// whatever the value says, a time to come too. Of texts and covers no more is read
// than Encode writes, whoever has written them.
func DecodeOutcome(value []byte, headers []Header) (Outcome, error) {
	outcome, err := decodeOutcome(value, headers)
	if err != nil {
		return Outcome{}, fmt.Errorf("read an outcome: %w", err)
	}
	return outcome, nil
}

// ReadAnswered reads of a record on an outcome topic only what its headers say:
// which failure event it answers, when that was decided (zero: not said), and
// whether the answer is ours, which is one by this origin (Outcome.Origin) about an
// event of this topic. It is false where the headers are not an outcome's; the value
// is not looked at. It allocates nothing for an answer of ours: whoever follows the
// topics reads each of them.
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

// MayTellOfOthers tells, without parsing the value of an outcome, whether it can
// say something about more than its own event: what its call covers, or that it
// stands for an accepted retry. Most outcomes of a storm do not. True proves
// nothing, for the words may stand in a text.
func MayTellOfOthers(value []byte) bool {
	return bytes.Contains(value, []byte(`"covers"`)) || bytes.Contains(value, []byte(`"accepted`))
}

// MayTellOfFailingAgain tells likewise whether an outcome can have a PreviousRetry.
func MayTellOfFailingAgain(value []byte) bool {
	return bytes.Contains(value, []byte(`"previous_retry"`))
}

// cloudEvent is what the headers of a CloudEvent in binary mode say.
type cloudEvent struct{ version, id, source, kind, subject, traceparent []byte }

// readCloudEvent reads the headers of a CloudEvent of ours, and the place in the failed
// topic that its id names.
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
