package simulation

import (
	"time"

	"remux-retrier/mpcclient"
)

// nature is how MPC treats a task.
type nature string

const (
	obedient nature = "obedient" // a retry of it is accepted while it has FAILED
	refusing nature = "refusing" // its retries are refused for good
	absent   nature = "unknown"  // MPC does not know it
	invalid  nature = "invalid"  // MPC takes its id for none
	canceled nature = "canceled"
	cursed   nature = "cursed" // calls for it always fail
)

// task is what MPC knows of one, and what the model knows about it.
type task struct {
	id       string
	key      string // its events' in the failed topic
	nature   nature
	status   mpcclient.Status
	failures int // how often it has failed
	accepted int // retries that were accepted
	again    int // how often it will fail again
	code     string
	curse    curse

	events     []*event
	calls      []*call
	recoveries []*recovery
	refusals   int  // refused for a reason that must be explained
	seenFail   bool // a query has told that it is FAILED
	wasCursed  bool
	spread     bool // its events stand in several partitions
}

// curse is how calls for a task fail.
type curse struct {
	status int
	code   string
}

var curses = []curse{{503, ""}, {500, ""}, {500, ""}, {502, ""}, {500, "APIG.0605"}}

// mpc is the simulated API.
type mpc struct {
	weather     weather
	fairSince   time.Duration
	limited     limited
	throttledAt time.Duration // when it has refused a request last because there were too many; 0: never
	tasks       []*task
	pending     int // changes of tasks that are still to come
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
	case t.nature == cursed:
		return refuse(t.curse.status, t.curse.code)
	case t.nature == absent:
		return refuse(403, "MPC.10211")
	case t.nature == invalid:
		return refuse(400, "MPC.10202")
	case t.nature == refusing:
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
	takes := between(w.rand, 10*time.Millisecond, 8*time.Second)
	if t.again == 0 {
		takes = w.recoveries.takes(takes)
	}
	w.out.after(takes, func() {
		w.mpc.pending--
		if t.again == 0 {
			t.status = mpcclient.StatusSucceeded
			w.tell("MPC: task %s has succeeded", t.id)
			w.reportSuccess(t)
			return
		}
		t.again--
		w.fail(t)
	})
	return nil
}

// fail: the task has failed, and its producer says so.
func (w *world) fail(t *task) {
	t.failures++
	t.status = mpcclient.StatusFailed
	w.tell("MPC: task %s has failed (%d)", t.id, t.failures)
	w.report(t)
}
