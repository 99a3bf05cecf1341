package events

import "fmt"

// Ask writes a failure event of the first shape, for somebody who wants a task
// retried. The description says who asks, and comes back in the outcome. The
// error is an *Unreadable, for what cannot be a task's id.
func Ask(taskID, description string, force bool) (Message, error) {
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
	m := Message{Key: []byte(taskID), Value: value, Headers: []Header{{Key: "content-type", Value: []byte("application/json")}}}
	if force {
		m.Headers = append(m.Headers, Header{Key: ForceHeader, Value: []byte("true")})
	}
	return m, nil
}
