package ledger

import (
	"testing"

	"remux-retrier/events"
)

// The failed topic was recreated within the window, so its log has another id. Outcomes of
// both logs are read; that must not be reported as a new recreation each time.
func TestAnOldLogsOutcomesAreNoNewsOfTheLogThatHasAnID(t *testing.T) {
	run(t, func(w *world) {
		const before, now = 111, 222
		old := event(0, 900)
		w.publish(outcome("7", events.Accepted, old, events.Cover{Partition: 0, End: 1000, LogID: before}))
		w.publish(outcome("1", events.Accepted, event(0, 3), events.Cover{Partition: 0, End: 10, LogID: now}))
		for range 3 {
			w.catchUp(1)
			w.catchUp(0)
			w.Opened(0, 12, now, true)
			w.expect("the cover of the present log", w.covering("1", event(0, 5)), events.Accepted)
			w.expect("partitions found to be others", w.Status().Recreated, int64(0))
		}
	})
}

// The former log had more events covered; that says nothing about the current one.
func TestARefusalOfAnotherLogReplacesNone(t *testing.T) {
	run(t, func(w *world) {
		for i, log := range []int64{222, 111} {
			w.publish(outcome("1", events.Rejected, event(0, int64(i)), events.Cover{Partition: 0, End: int64(5 + i), LogID: log}))
			w.follow()
		}
		w.Opened(0, 12, 222, true)
		w.expect("covered", w.covering("1", event(0, 3)), events.Rejected)
	})
}

func TestALogThatEndsBeforeItsOwnCoversWasCut(t *testing.T) {
	run(t, func(w *world) {
		w.publish(outcome("7", events.Accepted, event(0, 900), events.Cover{Partition: 0, End: 1000, LogID: 111}))
		w.catchUp(0)
		w.Opened(0, 500, 111, true)
		w.expect("partitions found to be others", w.Status().Recreated, int64(1))
		w.expect("the cover", w.covering("7", event(0, 5)), events.Reason(""))
	})
}

// One event keeps the committed offset back while all later ones are answered.
func TestAnswersAboveAnEventThatWaitsForLongAreBounded(t *testing.T) {
	a := newAnswered()
	a.max = 1000
	n := int64(3 * a.max)
	for offset := range n {
		e := event(0, offset+1)
		if yes, _ := a.has(e); yes {
			t.Fatalf("%d is answered", offset)
		}
		a.add(e)
	}
	if len(a.times) > a.max {
		t.Errorf("%d answers are kept", len(a.times))
	}
	for offset := n; offset < n+10; offset++ { // read ahead of what is asked
		a.add(event(0, offset+1))
		if yes, _ := a.has(event(0, offset+1)); !yes {
			t.Errorf("the answer to %d was forgotten before it was asked about", offset)
		}
	}
}
