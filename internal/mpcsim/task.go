package mpcsim

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// Status is a task's state, as MPC writes it.
type Status string

const (
	StatusInit       Status = "INIT"
	StatusWaiting    Status = "WAITING"
	StatusProcessing Status = "PROCESSING"
	StatusSucceed    Status = "SUCCEED"
	StatusFailed     Status = "FAILED"
	StatusCanceled   Status = "CANCELED"
)

func (s Status) known() bool {
	switch s {
	case StatusInit, StatusWaiting, StatusProcessing, StatusSucceed, StatusFailed, StatusCanceled:
		return true
	}
	return false
}

// Task is a packaging task as MPC knows it.
type Task struct {
	ID     string `json:"task_id"`
	Status Status `json:"status"`
	// ErrorCode and Description tell why the task is FAILED.
	ErrorCode   string `json:"error_code,omitempty"`
	Description string `json:"description,omitempty"`
	// UserData is what the task's creator gave to it.
	UserData string `json:"user_data,omitempty"`
	// Then is the task's state after an accepted retry and PROCESSING: StatusSucceed
	// or StatusFailed. Defaults to Config.Then.
	Then Status `json:"then,omitempty"`
}

// task is a Task and its times. Its state is updated when it is read, without a
// goroutine, so that millions of tasks cost only memory.
type task struct {
	Task
	since                   time.Time // when the current state began
	created, started, ended time.Time
}

// SetTask registers a task, or replaces it. Its status defaults to FAILED, and a
// FAILED task's error to MPC.10105.
func (s *Simulator) SetTask(t Task) error {
	if t.Status == "" {
		t.Status = StatusFailed
	}
	if t.Then == "" {
		t.Then = s.cfg.Then
	}
	switch {
	case t.ID == "":
		return errors.New("set a task: its id is missing")
	case !t.Status.known():
		return fmt.Errorf("set task %s: status %q is none of MPC's", t.ID, t.Status)
	case t.Then != StatusSucceed && t.Then != StatusFailed:
		return fmt.Errorf("set task %s: it cannot end as %q: expected SUCCEED or FAILED", t.ID, t.Then)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.register(t, s.cfg.Now())
	return nil
}

func (s *Simulator) register(t Task, now time.Time) *task {
	if t.Status == StatusFailed && t.ErrorCode == "" {
		t.ErrorCode, t.Description = "MPC.10105", "Internal error, please retry."
	}
	registered := &task{Task: t, since: now, created: now}
	switch t.Status {
	case StatusProcessing:
		registered.started = now
	case StatusSucceed, StatusFailed:
		registered.started, registered.ended = now, now
	}
	s.tasks[t.ID] = registered
	return registered
}

// Task returns a task as it is now, and whether MPC knows it.
func (s *Simulator) Task(id string) (Task, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t, known := s.tasks[id]
	if !known {
		return Task{}, false
	}
	t.advance(s.cfg.Now(), &s.cfg)
	return t.Task, true
}

// findOrCreate returns the task with this id. An unknown one becomes a FAILED task, or with
// Config.UnknownNotFound is nil.
func (s *Simulator) findOrCreate(id string, now time.Time) *task {
	t := s.tasks[id]
	if t == nil && !s.cfg.UnknownNotFound {
		t = s.register(Task{ID: id, Status: StatusFailed, Then: s.cfg.Then}, now)
	}
	if t != nil {
		t.advance(now, &s.cfg)
	}
	return t
}

// retry makes a FAILED task WAITING.
func (t *task) retry(now time.Time, cfg *Config) {
	t.Status, t.since = StatusWaiting, now
	t.ErrorCode, t.Description = "", ""
	t.started, t.ended = time.Time{}, time.Time{}
	t.advance(now, cfg)
}

// advance updates the task's state to the time now. INIT changes only by SetTask.
func (t *task) advance(now time.Time, cfg *Config) {
	if t.Status == StatusWaiting && now.Sub(t.since) >= cfg.WaitingFor {
		t.Status, t.since = StatusProcessing, t.since.Add(cfg.WaitingFor)
		t.started = t.since
	}
	if t.Status == StatusProcessing && now.Sub(t.since) >= cfg.ProcessingFor {
		t.Status, t.since = t.Then, t.since.Add(cfg.ProcessingFor)
		t.ended = t.since
		if t.Then == StatusFailed {
			t.ErrorCode, t.Description = "MPC.10105", "Internal error, please retry."
		}
	}
}

// taskJSON is a task in the answer to a query. Ids of digits, and times, are numbers,
// as in the documentation's example and unlike in its schema.
type taskJSON struct {
	ID          any    `json:"task_id"`
	Status      Status `json:"status"`
	CreateTime  any    `json:"create_time,omitempty"`
	StartTime   any    `json:"start_time,omitempty"`
	EndTime     any    `json:"end_time,omitempty"`
	ErrorCode   string `json:"error_code,omitempty"`
	Description string `json:"description,omitempty"`
	UserData    string `json:"user_data,omitempty"`
}

func (t *task) wire() taskJSON {
	return taskJSON{numberIfDigits(t.ID), t.Status, timestamp(t.created), timestamp(t.started), timestamp(t.ended), t.ErrorCode, t.Description, t.UserData}
}

// numberIfDigits returns an id of digits as a number. JSON has no numbers with a
// leading zero, so such ids stay strings.
func numberIfDigits(id string) any {
	for _, c := range []byte(id) {
		if c < '0' || c > '9' {
			return id
		}
	}
	if id[0] == '0' && len(id) > 1 {
		return id
	}
	return json.Number(id)
}

// timestamp returns yyyymmddhhmmss in UTC, or nil for the zero time.
func timestamp(t time.Time) any {
	if t.IsZero() {
		return nil
	}
	number, _ := strconv.ParseInt(t.UTC().Format("20060102150405"), 10, 64) // fourteen digits always parse
	return number
}
