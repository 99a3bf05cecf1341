package events

import "fmt"

// NewFailure returns a failure event of the first shape, for a caller who wants a task
// retried. The description says who asks, and is copied into the outcome. force makes the
// event Forced. The error is an *Unreadable if the task id is invalid.
func NewFailure(taskID, description string, force bool) (Message, error) {
	if err := CheckTaskID(taskID); err != nil {
		return Message{}, err
	}
	value, err := marshal(struct {
		TaskID      string `json:"task_id"`
		Description string `json:"description,omitempty"`
	}{taskID, description})
	if err != nil {
		return Message{}, fmt.Errorf("write a failure event of task %q: %w", taskID, err)
	}
	m := Message{Key: []byte(taskID), Value: value, Headers: []Header{jsonHeader}}
	if force {
		m.Headers = append(m.Headers, Header{Key: ForceHeader, Value: []byte("true")})
	}
	return m, nil
}
