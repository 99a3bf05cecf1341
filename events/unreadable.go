package events

import (
	"errors"
	"fmt"
)

// Defect is why a record cannot be read as a failure event. It is the header
// dead-letter-reason and can be a metric label: the constants below are all defects.
type Defect string

// The defects.
const (
	// Tombstone: the record has no value.
	Tombstone Defect = "tombstone"
	// NotUTF8: the value is not UTF-8.
	NotUTF8 Defect = "not_utf8"
	// NotJSON: the value, or the JSON text inside it, is not one JSON value.
	NotJSON Defect = "not_json"
	// TooDeep: a field nests deeper than 1,000 levels.
	TooDeep Defect = "too_deep"
	// UnknownShape: JSON, but none of the accepted shapes.
	UnknownShape Defect = "unknown_shape"
	// Ambiguous: a field that decides how to read the event is repeated.
	Ambiguous Defect = "ambiguous"
	// NoTaskID: nothing says which task has failed.
	NoTaskID Defect = "no_task_id"
	// TwoTaskIDs: the field task_id is repeated.
	TwoTaskIDs Defect = "two_task_ids"
	// InvalidTaskID: the value cannot be a task id.
	InvalidTaskID Defect = "invalid_task_id"
	// TooLarge: the record was not read because it is too large for memory.
	TooLarge Defect = "too_large"
)

// meanings explains each defect to a person.
var meanings = map[Defect]string{
	Tombstone:     "The record has no value; a failure event is a JSON object with a task_id.",
	NotUTF8:       "The value is not UTF-8.",
	NotJSON:       "The value, or the JSON text inside it, is not one JSON value.",
	TooDeep:       "A field nests deeper than 1,000 levels.",
	UnknownShape:  "The value is JSON, but in none of the accepted shapes of failure events.",
	Ambiguous:     "A field that decides how to read the event is repeated.",
	NoTaskID:      "Nothing in the event says which task has failed.",
	TwoTaskIDs:    "The field task_id is repeated.",
	TooLarge:      "The record, or its batch, is larger than the service reads. The dead letter gives its position.",
	InvalidTaskID: "The task id is empty, longer than 128 bytes, or contains white space or control characters.",
}

// Meaning explains the defect to a person in one or two sentences; empty if it is not one of
// the constants. Unreadable.Message describes the individual record.
func (d Defect) Meaning() string { return meanings[d] }

// Defects returns every Defect.
func Defects() []Defect {
	return []Defect{
		Tombstone, NotUTF8, NotJSON, TooDeep, UnknownShape, Ambiguous, NoTaskID, TwoTaskIDs, InvalidTaskID, TooLarge,
	}
}

// Unreadable is the error of a record that is not a failure event. The record belongs on
// the dead-letter topic, see DeadLetter.
type Unreadable struct {
	Reason Defect
	// Message says what is wrong and what is expected. It may quote a few bytes of the
	// event.
	Message string
}

func (u *Unreadable) Error() string {
	return fmt.Sprintf("unreadable failure event (%s): %s", u.Reason, u.Message)
}

func unreadable(reason Defect, format string, args ...any) error {
	return &Unreadable{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// inside adds to an *Unreadable where in the event it was found. Other errors and nil are
// returned unchanged.
func inside(place string, err error) error {
	var u *Unreadable
	if errors.As(err, &u) {
		return &Unreadable{Reason: u.Reason, Message: "in " + place + ": " + u.Message}
	}
	return err
}

// hint adds advice, if any, to an *Unreadable. Other errors are returned unchanged.
func hint(err error, text string) error {
	var u *Unreadable
	if text != "" && errors.As(err, &u) {
		return &Unreadable{Reason: u.Reason, Message: u.Message + "; " + text}
	}
	return err
}
