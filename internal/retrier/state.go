package retrier

import (
	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

// state is what a state query tells about a task.
type state int

const (
	unknown     state = iota // states cannot be queried: the permission is missing
	undisclosed              // MPC refuses to disclose this task's state, but not because the task is unknown
	failed                   // FAILED
	running                  // a retry is in progress or has succeeded
	canceled                 // CANCELED
	absent                   // MPC does not know the task
	invalid                  // MPC says that the task id is invalid
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

// stateOf is what a query's answer says about a task in it. A status that MPC does not
// document is not FAILED any more, so the task was retried. A call for a task that is not
// FAILED may be billed twice.
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

// documented are the task states in MPC's API reference.
var documented = []mpcclient.Status{
	mpcclient.StatusInit, mpcclient.StatusWaiting, mpcclient.StatusProcessing, mpcclient.StatusSucceeded,
	mpcclient.StatusFailed, mpcclient.StatusCanceled,
}

// stateRefused is what the refusal of a query for one task says about it.
func stateRefused(refusal *mpcclient.Error) state {
	switch refusal.Class {
	case mpcclient.TaskNotFound:
		return absent
	case mpcclient.InvalidTask:
		return invalid
	}
	return undisclosed
}
