package events

import (
	"bytes"
	"fmt"
	"time"
	"unicode/utf8"
)

// endTimeLayout is how MPC writes times, in UTC.
const endTimeLayout = "20060102150405"

// Report describes a failed task, from MPC's list of tasks.
type Report struct {
	TaskID string
	// ErrorCode, Description and UserData are left out of the event if empty; UserData also
	// if it is longer than MaxUserData or not UTF-8.
	ErrorCode, Description, UserData string
	// EndTime is when the task failed, by MPC's clock, in whole seconds; zero: unknown.
	EndTime time.Time
}

// Message returns the report as a failure event of the first shape, keyed by the task id.
// The function EndTime reads its end time back. The error is an *Unreadable if the task id
// is invalid.
func (r Report) Message() (Message, error) {
	if err := CheckTaskID(r.TaskID); err != nil {
		return Message{}, err
	}
	data := r.UserData
	if len(data) > MaxUserData || !utf8.ValidString(data) {
		data = ""
	}
	ended := ""
	if !r.EndTime.IsZero() {
		ended = r.EndTime.UTC().Format(endTimeLayout)
	}
	value, err := marshal(struct {
		TaskID      string `json:"task_id"`
		ErrorCode   string `json:"error_code,omitempty"`
		Description string `json:"description,omitempty"`
		UserData    string `json:"user_data,omitempty"`
		EndTime     string `json:"end_time,omitempty"`
	}{r.TaskID, clean(r.ErrorCode), clean(r.Description), data, ended})
	if err != nil {
		return Message{}, fmt.Errorf("write a failure event of task %q: %w", r.TaskID, err)
	}
	return Message{Key: []byte(r.TaskID), Value: value, Headers: []Header{jsonHeader}}, nil
}

// EndTime returns when the task of a failure event of the first shape failed, by MPC's
// clock: the value's end_time, yyyymmddhhmmss in UTC, as a string or a number. Zero if the
// field is missing, repeated or not such a time.
func EndTime(value []byte) time.Time {
	if !bytes.Contains(value, []byte(`"end_time"`)) || !utf8.Valid(value) {
		return time.Time{}
	}
	var text string
	found := 0
	err := members(value, func(name, value []byte) error {
		if string(name) != "end_time" {
			return nil
		}
		found++
		if value[0] == '"' {
			value, _ = unquote(value)
		}
		text = string(value)
		return nil
	})
	if err != nil || found != 1 {
		return time.Time{}
	}
	ended, err := time.Parse(endTimeLayout, text)
	if err != nil {
		return time.Time{}
	}
	return ended
}
