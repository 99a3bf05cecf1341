package events

import (
	"bytes"
	"errors"
	"time"
	"unicode/utf8"
)

// Header is one header of a Kafka record. Keys may repeat; where one value is needed the
// last counts, as in Kafka's own clients.
//
// It is an alias, so that a slice of package consumer's headers, which have the same shape,
// needs no copy although neither package imports the other.
type Header = struct {
	Key   string
	Value []byte
}

// Source is a failure event's position in Kafka.
type Source struct {
	Topic     string
	Partition int
	Offset    int64
	// Time is the record's timestamp; Kafka keeps milliseconds. See HasTime.
	Time time.Time
}

// Failure is the content of a failure event.
type Failure struct {
	// TaskID is the failed remux task: 1 to 128 bytes of UTF-8 without control
	// characters and white space.
	TaskID string
	// ErrorCode and Description say why the task failed, e.g. "MPC.10105". Empty if the
	// event does not say; at most 1 KiB each.
	ErrorCode, Description string
	// UserData is what the task's creator attached to it and MPC's notifications return:
	// complete, up to MaxUserData. UserDataLeftOut: the event has one, but it is longer,
	// repeated, has half of a surrogate pair, or is neither a string nor a number.
	UserData        string
	UserDataLeftOut bool
	// ID is the CloudEvent's id, else the SMN message_id, else empty; at most
	// 1 KiB.
	ID string
	// Traceparent is the W3C trace context that came with the event, or empty
	// if there was none or an invalid one.
	Traceparent string
	// Forced: the sender wants the task retried regardless of its budget, the event's age
	// and the configured skip codes. Only the header ForceHeader sets it, never the value,
	// whose origin is unknown.
	Forced bool
	// Succeeded: the event reports that the task has succeeded. Only ReadEvent sets it.
	Succeeded bool
}

// ForceHeader with the exact value "true" makes a failure event Forced. If it is repeated,
// the last one counts.
const ForceHeader = "remux-retrier-force"

// ErrNotAFailure is returned for an MPC notification whose status is not FAILED, or that is
// not about a remux task: there is nothing to retry, and no outcome.
var ErrNotAFailure = errors.New("not a failure event")

// ReadFailure reads a record of the failed topic. The value alone decides the shape;
// headers only add an id (ce_id of a CloudEvent in binary mode), a trace context and
// ForceHeader.
//
// The error is ErrNotAFailure (use errors.Is) or an *Unreadable (errors.As). A Failure
// shares no memory with value and headers.
func ReadFailure(value []byte, headers []Header) (Failure, error) {
	return readEvent(value, headers, false)
}

// ReadEvent is ReadFailure for callers that also need to know when a task has succeeded.
// For MPC's notification of a success, and for an event of another shape with such a
// status, it returns no error but sets Succeeded.
func ReadEvent(value []byte, headers []Header) (Failure, error) {
	return readEvent(value, headers, true)
}

// failureReader reads a Failure. With successes it also accepts events that report one.
type failureReader struct {
	Failure
	successes bool
}

func readEvent(value []byte, headers []Header, successes bool) (Failure, error) {
	f := failureReader{successes: successes}
	err := checkText(value)
	if err == nil {
		err = f.read(value, outermost)
	}
	if err != nil {
		return Failure{}, foreignFormat(err, value)
	}
	f.addHeaders(headers)
	return f.Failure, nil
}

// checkText rejects what no JSON parser should read, with a cause that the producer's
// author recognizes.
func checkText(value []byte) error {
	switch {
	case value == nil:
		return unreadable(Tombstone, "the record has no value (a tombstone); expected a JSON object with a task_id")
	case len(value) == 0:
		return unreadable(NotJSON, "the value is empty; expected a JSON object with a task_id")
	case bytes.HasPrefix(value, []byte("\xEF\xBB\xBF")):
		return unreadable(NotJSON, "the value begins with a byte order mark; write UTF-8 without one")
	case bytes.HasPrefix(value, []byte("\xFE\xFF")), bytes.HasPrefix(value, []byte("\xFF\xFE")):
		return unreadable(NotUTF8, "the value looks like UTF-16; write UTF-8")
	case !utf8.Valid(value):
		return unreadable(NotUTF8, "the value is not UTF-8 at byte %d; write JSON in UTF-8", invalidAt(value))
	}
	return nil
}

// invalidAt is the index of the first byte that is not UTF-8.
func invalidAt(text []byte) int {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRune(text[at:])
		if r == utf8.RuneError && size == 1 {
			return at
		}
		at += size
	}
	return len(text)
}

// addHeaders takes the event's metadata from the headers.
func (f *Failure) addHeaders(headers []Header) {
	var binary bool
	var id []byte
	for _, h := range headers {
		switch h.Key {
		case "ce_specversion":
			binary = true
		case "ce_id":
			id = h.Value
		case ForceHeader:
			f.Forced = string(h.Value) == "true"
		}
	}
	if binary && len(id) > 0 {
		f.ID = clean(string(id))
	}
	if closest := Traceparent(headers); closest != "" {
		f.Traceparent = closest
	}
}
