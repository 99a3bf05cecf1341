package events

import (
	"errors"
	"fmt"
)

// Defect says in one word why a record cannot be read as a failure event. It
// becomes the header dead-letter-reason and may serve as a metric label: the
// constants below are all there are.
type Defect string

// The defects, in the order in which they are looked for.
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
	// Ambiguous: a field that decides how to read the event stands there twice.
	Ambiguous Defect = "ambiguous"
	// NoTaskID: nothing says which task has failed.
	NoTaskID Defect = "no_task_id"
	// TwoTaskIDs: the field task_id stands there twice.
	TwoTaskIDs Defect = "two_task_ids"
	// InvalidTaskID: the task id cannot be one.
	InvalidTaskID Defect = "invalid_task_id"
	// TooLarge: the record was not read, because it does not fit into memory.
	TooLarge Defect = "too_large"
)

// meanings says of each defect what a person wants to know first.
var meanings = map[Defect]string{
	Tombstone:     "The record has no value; a failure event is a JSON object with a task_id.",
	NotUTF8:       "The value is not UTF-8.",
	NotJSON:       "The value, or the JSON text inside it, is not one JSON value.",
	TooDeep:       "A field nests deeper than 1,000 levels.",
	UnknownShape:  "The value is JSON, but none of the shapes in which failure events are accepted.",
	Ambiguous:     "A field that decides how to read the event stands there twice.",
	NoTaskID:      "Nothing in the event says which task has failed.",
	TwoTaskIDs:    "The field task_id stands there twice.",
	TooLarge:      "The record, or the batch in which it stands, is larger than the service reads. The dead letter says where it stands.",
	InvalidTaskID: "The task id cannot be one: it is empty, longer than 128 bytes, or holds white space or control characters.",
}

// Meaning explains the defect to a person, in a sentence; empty if it is none of
// the constants. Unreadable.Message says what is wrong with the one record.
func (d Defect) Meaning() string { return meanings[d] }

// Defects lists every Defect.
func Defects() []Defect {
	return []Defect{
		Tombstone, NotUTF8, NotJSON, TooDeep, UnknownShape, Ambiguous, NoTaskID, TwoTaskIDs, InvalidTaskID, TooLarge,
	}
}

// Unreadable is the error of a record that is no failure event. It belongs on
// the dead-letter topic, see DeadLetter.
type Unreadable struct {
	Reason Defect
	// Message tells a person what is wrong and what is expected. It may quote
	// a few bytes of the event.
	Message string
}

func (u *Unreadable) Error() string {
	return fmt.Sprintf("unreadable failure event (%s): %s", u.Reason, u.Message)
}

func unreadable(reason Defect, format string, args ...any) error {
	return &Unreadable{Reason: reason, Message: fmt.Sprintf(format, args...)}
}

// inside says where in the event an *Unreadable was found; other errors and nil
// pass unchanged.
func inside(place string, err error) error {
	var u *Unreadable
	if errors.As(err, &u) {
		return &Unreadable{Reason: u.Reason, Message: "in " + place + ": " + u.Message}
	}
	return err
}

// hint adds to an *Unreadable what to do about it, if there is something; other
// errors pass unchanged.
func hint(err error, text string) error {
	var u *Unreadable
	if text != "" && errors.As(err, &u) {
		return &Unreadable{Reason: u.Reason, Message: u.Message + "; " + text}
	}
	return err
}
