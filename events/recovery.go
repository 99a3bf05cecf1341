package events

import (
	"errors"
	"fmt"
	"time"
	"unicode/utf8"
)

// RecoveredType is the CloudEvents type of a Recovery.
const RecoveredType = "remux.recovered"

var recoveredHeader = Header{Key: "ce_type", Value: []byte(RecoveredType)}

// Recovery says that a task has succeeded after a retry of ours.
type Recovery struct {
	TaskID string
	// Source is the event that reported the success; the ce_id is made from it.
	Source Source
	// Retries counts the task's accepted retries within the budget's window.
	Retries int
	// Retry is the last of them. The recovery completes its outcome.
	Retry Retry
	// FirstFailedAt is the time of the failure event that the first of them answered. Zero:
	// unknown.
	FirstFailedAt time.Time
	// RecoveredAt is the time of the event that reported the success; if it has none, when
	// it was read.
	RecoveredAt time.Time
	// UserData is from that event; empty if it has none, or one longer than MaxUserData.
	UserData string
	// Traceparent is the W3C trace context to continue, empty if there is none.
	Traceparent string
	// Origin is the ce_source, see OriginOf.
	Origin string
}

// Encode returns the recovery as a CloudEvent in binary mode, keyed by the task id, like
// Outcome.Encode. It fails only for a recovery that DecodeRecovery would reject.
func (r Recovery) Encode() (Message, error) {
	if err := r.check(); err != nil {
		return Message{}, fmt.Errorf("encode the recovery of task %q: %w", r.TaskID, err)
	}
	w := writer{make([]byte, 0, 512+len(r.UserData))}
	w.begin('{')
	w.text("task_id", r.TaskID)
	w.number("retries", int64(r.Retries))
	if !r.FirstFailedAt.IsZero() {
		w.time("first_failed_at", r.FirstFailedAt)
	}
	w.time("recovered_at", r.RecoveredAt)
	w.text("outcome_id", r.Retry.Source.ID())
	w.time("retried_at", r.Retry.DecidedAt)
	if len(r.UserData) <= MaxUserData && utf8.ValidString(r.UserData) {
		w.text("user_data", r.UserData)
	}
	w.end('}')
	m := Message{Key: []byte(r.TaskID), Value: w.value()}
	m.Headers = append(make([]Header, 0, 8), versionHeader,
		Header{Key: "ce_id", Value: []byte(r.Source.ID())}, Header{Key: "ce_source", Value: []byte(r.Origin)}, recoveredHeader,
		Header{Key: "ce_subject", Value: m.Key}, Header{Key: "ce_time", Value: appendTime(nil, r.RecoveredAt)}, jsonHeader)
	if validTraceparent([]byte(r.Traceparent)) {
		m.Headers = append(m.Headers, Header{Key: "traceparent", Value: []byte(r.Traceparent)})
	}
	return m, nil
}

// DecodeRecovery reads what Encode has written. It is as strict as DecodeOutcome.
func DecodeRecovery(value []byte, headers []Header) (Recovery, error) {
	r, err := decodeRecovery(value, headers)
	if err != nil {
		return Recovery{}, fmt.Errorf("read a recovery: %w", err)
	}
	return r, nil
}

func decodeRecovery(value []byte, headers []Header) (Recovery, error) {
	ce, source, err := readCloudEvent(headers)
	if err != nil {
		return Recovery{}, err
	}
	if !utf8.Valid(value) {
		return Recovery{}, fmt.Errorf("the value: not UTF-8 at byte %d", invalidAt(value))
	}
	r := Recovery{Source: source, Origin: string(ce.source), Traceparent: string(ce.traceparent)}
	if err := members(value, r.member); err != nil {
		return Recovery{}, fmt.Errorf("the value: %w", err)
	}
	if string(ce.kind) != RecoveredType || string(ce.subject) != r.TaskID {
		return Recovery{}, fmt.Errorf("not a recovery of task %.140q: ce_type %.40q, ce_subject %.140q", r.TaskID, ce.kind, ce.subject)
	}
	return r, r.check()
}

func (r *Recovery) member(name, raw []byte) (err error) {
	switch string(name) {
	case "task_id":
		r.TaskID, err = readText(raw, maxTaskID+utf8.UTFMax)
	case "retries":
		r.Retries, err = readNumber[int](raw)
	case "first_failed_at":
		r.FirstFailedAt, err = parseTime(content(raw))
	case "retried_at":
		r.Retry.DecidedAt, err = parseTime(content(raw))
	case "recovered_at":
		r.RecoveredAt, err = parseTime(content(raw))
	case "outcome_id":
		r.Retry.Source, _ = parseID(content(raw), r.Source.Topic) // check rejects an invalid one
	case "user_data":
		if r.UserData, err = readText(raw, MaxUserData+utf8.UTFMax); len(r.UserData) > MaxUserData {
			r.UserData = ""
		}
	}
	return inField(name, err)
}

func (r *Recovery) check() error {
	switch {
	case !r.Source.valid():
		return fmt.Errorf("the source is not a position in Kafka: %+v", r.Source)
	case !r.Retry.Source.valid() || r.Retry.DecidedAt.IsZero():
		return fmt.Errorf("the retry is incomplete: %+v", r.Retry)
	case r.Retries < 1:
		return errors.New("there was no retry")
	case r.RecoveredAt.IsZero():
		return errors.New("its time is missing")
	case r.Origin == "":
		return errors.New("the origin is missing")
	}
	return CheckTaskID(r.TaskID)
}
