package mpcclient

import (
	"encoding/json"
	"fmt"
)

// Status is a task's state in MPC's spelling. Unknown states are kept unchanged.
type Status string

const (
	StatusInit       Status = "INIT"
	StatusWaiting    Status = "WAITING"
	StatusProcessing Status = "PROCESSING"
	// StatusSucceeded also stands for "SUCCEEDED", the spelling of MPC's other kinds of
	// tasks.
	StatusSucceeded Status = "SUCCEED"
	StatusFailed    Status = "FAILED"
	StatusCanceled  Status = "CANCELED"
)

// Task is a remux task's state.
type Task struct {
	ID     string
	Status Status
	// ErrorCode and Description say why a FAILED task failed, e.g. "MPC.10105".
	ErrorCode, Description string
}

// UnmarshalJSON reads a task from a query's answer: each field is a string or, as in the
// vendor's own example, a number.
func (t *Task) UnmarshalJSON(data []byte) error {
	var wire struct {
		TaskID      text `json:"task_id"`
		Status      text `json:"status"`
		ErrorCode   text `json:"error_code"`
		Description text `json:"description"`
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	*t = Task{
		ID:          string(wire.TaskID),
		Status:      Status(wire.Status),
		ErrorCode:   string(wire.ErrorCode),
		Description: string(wire.Description),
	}
	if t.Status == "SUCCEEDED" {
		t.Status = StatusSucceeded
	}
	return nil
}

// text is a JSON string, a number used exactly as written (a task id must not go through a
// float), or null.
type text string

func (t *text) UnmarshalJSON(data []byte) error {
	switch c := data[0]; {
	case c == '"':
		return json.Unmarshal(data, (*string)(t))
	case c == '-' || c >= '0' && c <= '9':
		*t = text(data)
		return nil
	case string(data) == "null":
		*t = ""
		return nil
	}
	return fmt.Errorf("neither a string nor a number: %.20s", data)
}
