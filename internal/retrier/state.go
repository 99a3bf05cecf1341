package retrier

import (
	"slices"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

// state is what the state query tells of a task.
type state int

const (
	unknown  state = iota // it cannot be asked for
	failed                // FAILED
	running               // a retry is under way, or has succeeded
	canceled              // CANCELED
	absent                // MPC does not know the task
	invalid               // MPC says that it is no id of a task
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

func stateOf(tasks map[string]mpcclient.Task, id string) state {
	task, known := tasks[id]
	switch {
	case !known:
		return absent
	case task.Status == mpcclient.StatusFailed:
		return failed
	case task.Status == mpcclient.StatusCanceled:
		return canceled
	case slices.Contains(alive, task.Status):
		return running
	}
	return unknown
}

// alive are the states that a task has only if a retry was accepted: it had
// FAILED.
var alive = []mpcclient.Status{
	mpcclient.StatusInit, mpcclient.StatusWaiting, mpcclient.StatusProcessing, mpcclient.StatusSucceeded,
}

// stateRefused is what the refusal of a query for one task says of it.
func stateRefused(refusal *mpcclient.Error) state {
	switch refusal.Class {
	case mpcclient.TaskNotFound:
		return absent
	case mpcclient.InvalidTask:
		return invalid
	}
	return unknown
}
