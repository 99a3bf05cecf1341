package events

import "errors"

// Notification is the content of an SMN notification that a program publishes unchanged to
// the failed topic.
type Notification struct {
	// TaskID is its remux task, by ReadFailure's rules. Empty: it names no remux task, so
	// the failed topic does not need it.
	TaskID string
	// Failed: ReadFailure reads it as a failure event of this task.
	Failed bool
}

// ErrNotSMN is returned for a value that ReadFailure would not read as an SMN notification
// (shape 4). A valid signature then says nothing about what ReadFailure would read.
var ErrNotSMN = errors.New("not an SMN notification")

// ReadNotification reads an SMN notification as ReadFailure does, also of tasks that have
// not failed. The error is ErrNotSMN, or an *Unreadable if ReadFailure rejects the value:
// the service would write a dead letter for it.
func ReadNotification(value []byte) (Notification, error) {
	if err := checkText(value); err != nil {
		return Notification{}, err
	}
	var o object
	if err := o.read(value); err != nil {
		return Notification{}, err
	}
	if o.has(fieldSpecversion) || !o.isSMN() || o.smnType() != smnNotification {
		return Notification{}, ErrNotSMN
	}
	var f failureReader
	err := f.readSMN(&o)
	switch {
	case err == nil:
		return Notification{TaskID: f.TaskID, Failed: true}, nil
	case errors.Is(err, ErrNotAFailure):
		return Notification{TaskID: o.remuxTask()}, nil
	}
	return Notification{}, err
}

// remuxTask is the task of a notification that reports no failure; empty if it is about
// another kind of task, or has no valid task id.
func (o *object) remuxTask() string {
	message, _ := unquote(o.values[fieldMessage])
	var body, info object
	if body.read(message) != nil || !body.has(fieldRemuxInfo) || info.read(body.values[fieldRemuxInfo]) != nil {
		return ""
	}
	id, err := readTaskID(&info)
	if err != nil {
		return "" // nothing depends on it: the service ignores the record
	}
	return id
}
