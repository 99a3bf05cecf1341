package retrier

import (
	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

// state is what the state query tells of a task.
type state int

const (
	unknown     state = iota // it cannot be asked for, for want of the permission
	undisclosed              // MPC refuses to tell of this one task, and not because it knows none
	failed                   // FAILED
	running                  // a retry is under way, or has succeeded
	canceled                 // CANCELED
	absent                   // MPC does not know the task
	invalid                  // MPC says that it is no id of a task
)

// reason is the answer that the state alone gives; empty: none.
func (s state) reason() events.Reason {
	switch s {
	case running:
		return events.AlreadyRunning
	case canceled:
		return events.NotRetryable
	case absent:
		return events.TaskNotFound
	case invalid:
		return events.InvalidTask
	}
	return ""
}

// stateOf is what a query's answer says of a task that it asked for. A status that
// MPC does not document is not FAILED, as the task was: so it was retried. To call
// for a task that is not FAILED may be billed twice.
func stateOf(tasks map[string]mpcclient.Task, id string) state {
	task, known := tasks[id]
	switch {
	case !known:
		return absent
	case task.Status == mpcclient.StatusFailed:
		return failed
	case task.Status == mpcclient.StatusCanceled:
		return canceled
	}
	return running
}

// documented are the states of a task by MPC's API reference.
var documented = []mpcclient.Status{
	mpcclient.StatusInit, mpcclient.StatusWaiting, mpcclient.StatusProcessing, mpcclient.StatusSucceeded,
	mpcclient.StatusFailed, mpcclient.StatusCanceled,
}

// stateRefused is what the refusal of a query for one task says of it.
func stateRefused(refusal *mpcclient.Error) state {
	switch refusal.Class {
	case mpcclient.TaskNotFound:
		return absent
	case mpcclient.InvalidTask:
		return invalid
	}
	return undisclosed
}
