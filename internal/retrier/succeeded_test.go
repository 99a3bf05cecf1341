package retrier

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

// success is an event that reports its task's success.
func success(id string) Event {
	ev := newEvent(id)
	ev.Failure.Succeeded = true
	return ev
}

func TestASuccessOfATaskThatNothingIsKnownOfEndsAtOnceWithoutACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		ev := success("1")
		ev.Lease.(*lease).ended = make(chan *Answer, 1)
		if d.Add(ev) || len(ev.Lease.(*lease).ended) != 1 {
			t.Error("it waits")
		}
		if a.called() != 0 || a.asked() != 0 {
			t.Errorf("%d calls, %d queries", a.called(), a.asked())
		}
	})
}

// Only the answers to those failures show whether the success follows a retry of ours.
func TestASuccessWaitsUntilTheFailuresBeforeItAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		a := &api{retry: first(lostAnswer), query: func(ids []string) (map[string]mpcclient.Task, error) {
			if time.Since(began) < time.Minute {
				return nil, queryRefusal(mpcclient.Transient, 503, "")
			}
			return tasksIn(mpcclient.StatusSucceeded, ids...), nil
		}}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		failed := d.add(context.Background(), newEvent("1"))
		ev := success("1")
		succeeded := d.add(context.Background(), ev)
		again := d.add(context.Background(), newEvent("1"))
		time.Sleep(30 * time.Second)
		if len(ev.Lease.(*lease).ended) > 0 {
			t.Error("it has ended before the failure is answered")
		}
		if answer, err := failed(); err != nil || answer.Outcome.Reason != events.AlreadyRunning || !answer.Outcome.AcceptedRetry {
			t.Errorf("the failure: %+v, %v", answer, err)
		}
		if answer, err := succeeded(); err != nil || !answer.Outcome.Failure.Succeeded {
			t.Errorf("the success: %+v, %v", answer, err)
		}
		if answer, err := again(); err != nil || answer.Outcome.Reason == "" {
			t.Errorf("the failure behind it: %+v, %v", answer, err)
		}
	})
}

func TestASuccessThatWaitsIsTheNextOwnersLikeAnyOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{retry: always(unavailable)}, 0, nil)
		defer d.stop()
		ctx, cancel := contextFor(time.Minute)
		defer cancel()
		failed, succeeded := d.add(ctx, newEvent("1")), d.add(ctx, success("1"))
		if _, err := failed(); err == nil {
			t.Error("the failure was answered during an outage")
		}
		if _, err := succeeded(); err == nil {
			t.Error("the success has ended here")
		}
	})
}
