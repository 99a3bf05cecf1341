package events

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// timeLayout is RFC 3339 in UTC with milliseconds, always three digits.
const timeLayout = "2006-01-02T15:04:05.000Z"

// outcomeJSON is an outcome's value, in the order in which people read it.
type outcomeJSON struct {
	TaskID      string          `json:"task_id"`
	Outcome     Kind            `json:"outcome"`
	Reason      Reason          `json:"reason"`
	Message     string          `json:"message"`
	Retries     *int            `json:"retries,omitempty"`
	Accepted    bool            `json:"accepted_retry,omitempty"`
	Attempts    int             `json:"attempts"`
	FailedEvent failedEventJSON `json:"failed_event"`
	Failure     *failureJSON    `json:"failure,omitempty"`
	Error       *APIError       `json:"error,omitempty"`
	Covers      []Cover         `json:"covers,omitempty"`
	DecidedAt   string          `json:"decided_at"`
}

type failedEventJSON struct {
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	Timestamp string `json:"timestamp,omitempty"`
	ID        string `json:"id,omitempty"`
}

type failureJSON struct {
	ErrorCode   string `json:"error_code,omitempty"`
	Description string `json:"description,omitempty"`
	UserData    string `json:"user_data,omitempty"`
}

// Encode writes the outcome as a CloudEvent 1.0 in binary mode (Kafka protocol
// binding), keyed by the task id. The same question always gets the same ce_id.
//
// It fails only for an outcome that no caller should have made: one that
// DecodeOutcome would not take back.
func (o Outcome) Encode() (Message, error) {
	if err := o.check(); err != nil {
		return Message{}, fmt.Errorf("encode the outcome of task %q: %w", o.Failure.TaskID, err)
	}
	decidedAt := o.DecidedAt.UTC().Format(timeLayout)
	value, err := marshal(outcomeJSON{
		TaskID:   o.Failure.TaskID,
		Outcome:  o.Reason.Kind(),
		Reason:   o.Reason,
		Message:  o.Reason.Message(),
		Retries:  o.Retries,
		Accepted: o.AcceptedRetry,
		Attempts: o.Attempts,
		FailedEvent: failedEventJSON{
			Topic:     o.Source.Topic,
			Partition: o.Source.Partition,
			Offset:    o.Source.Offset,
			Timestamp: timestamp(o.Source.Time),
			ID:        clean(o.Failure.ID),
		},
		Failure:   o.Failure.json(),
		Error:     o.Error.clean(),
		Covers:    o.Covers,
		DecidedAt: decidedAt,
	})
	if err != nil {
		return Message{}, fmt.Errorf("encode the outcome of task %q: %w", o.Failure.TaskID, err)
	}
	return Message{Key: []byte(o.Failure.TaskID), Value: value, Headers: o.headers(decidedAt)}, nil
}

func (o Outcome) headers(decidedAt string) []Header {
	headers := make([]Header, 0, 8)
	for _, h := range [...]struct{ key, value string }{
		{"ce_specversion", "1.0"},
		{"ce_id", o.Source.id()},
		{"ce_source", o.Origin},
		{"ce_type", o.Reason.Kind().Type()},
		{"ce_subject", o.Failure.TaskID},
		{"ce_time", decidedAt},
		{"content-type", "application/json"},
	} {
		headers = append(headers, Header{Key: h.key, Value: []byte(h.value)})
	}
	if parent := []byte(o.Failure.Traceparent); validTraceparent(parent) {
		headers = append(headers, Header{Key: "traceparent", Value: parent})
	}
	return headers
}

func (o Outcome) check() error {
	switch {
	case o.Reason.Kind() == "":
		return fmt.Errorf("unknown reason %q", o.Reason)
	case !o.Source.valid():
		return fmt.Errorf("the failure event has no place in a log: %+v", o.Source)
	case o.Attempts < 0 || o.Retries != nil && *o.Retries < 0:
		return errors.New("attempts or retries are negative")
	case o.AcceptedRetry && o.Reason != AlreadyRunning:
		return fmt.Errorf("%q cannot stand for an accepted retry", o.Reason)
	case o.DecidedAt.IsZero():
		return errors.New("the time of the decision is missing")
	case o.Origin == "":
		return errors.New("the origin is missing")
	case !utf8.ValidString(o.Failure.TaskID):
		return errors.New("the task id is not UTF-8")
	}
	for _, c := range o.Covers {
		if c.Partition < 0 || c.End < 0 {
			return fmt.Errorf("it covers what is no place in a log: %+v", c)
		}
	}
	return checkTaskID([]byte(o.Failure.TaskID))
}

// json is nil where nothing is known.
func (f Failure) json() *failureJSON {
	j := failureJSON{ErrorCode: clean(f.ErrorCode), Description: clean(f.Description)}
	if len(f.UserData) <= MaxUserData && utf8.ValidString(f.UserData) {
		j.UserData = f.UserData
	}
	if j == (failureJSON{}) {
		return nil
	}
	return &j
}

// clean is nil where nothing is known.
func (e *APIError) clean() *APIError {
	if e == nil || *e == (APIError{}) {
		return nil
	}
	return &APIError{
		Status:    e.Status,
		Code:      clean(e.Code),
		Message:   clean(e.Message),
		RequestID: clean(e.RequestID),
	}
}

// timestamp is empty for a year that RFC 3339 cannot write. Kafka stores any 64
// bits, and a producer that takes microseconds for milliseconds writes such
// years; its events are answered like any other.
func timestamp(t time.Time) string {
	t = t.UTC()
	if t.Year() < 0 || t.Year() > 9999 {
		return ""
	}
	return t.Format(timeLayout)
}

// marshal writes JSON without the escapes that only HTML needs.
func marshal(v any) ([]byte, error) {
	var buffer bytes.Buffer
	encoder := json.NewEncoder(&buffer)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(buffer.Bytes(), []byte("\n")), nil
}
