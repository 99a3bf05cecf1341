package simulation

import (
	"time"

	"remux-retrier/mpcclient"
)

// behavior is how MPC treats a task.
type behavior string

const (
	retryable   behavior = "retryable" // a retry is accepted while it is FAILED
	refusing    behavior = "refusing"  // its retries are rejected for good
	absent      behavior = "unknown"   // MPC does not know it
	invalid     behavior = "invalid"   // MPC says that its id is invalid
	canceled    behavior = "canceled"
	alwaysFails behavior = "alwaysFails" // calls for it always fail
)

// task is what MPC knows about a task, and what the model knows.
type task struct {
	id        string
	key       string // of its events in the failed topic
	behavior  behavior
	status    mpcclient.Status
	failures  int // how often it has failed
	accepted  int // accepted retries
	again     int // how often it will fail again
	code      string
	failsWith failureAnswer

	events       []*event
	calls        []*call
	refusals     int  // refusals whose reason needs a query
	seenFail     bool // a query has shown that it is FAILED
	alwaysFailed bool
	spread       bool // its events are in several partitions
}

// failureAnswer is how calls for a task fail.
type failureAnswer struct {
	status int
	code   string
}

var failureAnswers = []failureAnswer{{503, ""}, {500, ""}, {500, ""}, {502, ""}, {500, "APIG.0605"}}

// mpc is the simulated API.
type mpc struct {
	faults      apiFaults
	normalSince time.Duration
	limited     limited
	throttledAt time.Duration // last request refused because of the rate; 0: never
	tasks       []*task
	pending     int // pending changes of tasks
}

func (m *mpc) find(id string) *task {
	for _, t := range m.tasks {
		if t.id == id {
			return t
		}
	}
	return nil
}

// retry is what MPC does with a retry that has reached it.
func (w *world) retry(c *call) *mpcclient.Error {
	t := c.task
	refuse := func(status int, code string) *mpcclient.Error {
		e := refusal(mpcclient.OperationRetry, status, code)
		e.Message = "Operation failed."
		return e
	}
	switch {
	case t.behavior == alwaysFails:
		return refuse(t.failsWith.status, t.failsWith.code)
	case t.behavior == absent:
		return refuse(403, "MPC.10211")
	case t.behavior == invalid:
		return refuse(400, "MPC.10202")
	case t.behavior == refusing:
		t.refusals++
		return refuse(403, "MPC.10245")
	case t.status != mpcclient.StatusFailed:
		t.refusals++
		return refuse(403, []string{"MPC.10212", "MPC.10213"}[w.rand.IntN(2)])
	}
	t.accepted++
	t.status = mpcclient.StatusProcessing
	w.accepted(c)
	w.mpc.pending++
	w.out.after(between(w.rand, 10*time.Millisecond, 8*time.Second), func() {
		w.mpc.pending--
		if t.again == 0 {
			t.status = mpcclient.StatusSucceeded
			w.tell("MPC: task %s has succeeded", t.id)
			return
		}
		t.again--
		w.fail(t)
	})
	return nil
}

// fail: the task has failed, and its producer reports it.
func (w *world) fail(t *task) {
	t.failures++
	t.status = mpcclient.StatusFailed
	w.tell("MPC: task %s has failed (%d)", t.id, t.failures)
	w.report(t)
}
