package retrier

import (
	"testing"
	"testing/synctest"

	"remux-retrier/events"
)

func TestATaskThatFailsAgainAfterARetryOfOursSaysSo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{}
		d := newHarness(t, a, 0, budgetOf(3))
		defer d.stop()
		var retried []events.Outcome
		for _, step := range []struct {
			what   string
			answer error
			state  string
			task   string
			want   events.Reason
			again  bool
		}{
			{"refused", ambiguous, "FAILED", "1", events.Rejected, false},
			{"the first retry", nil, "FAILED", "1", events.Accepted, false},
			{"another task's", nil, "FAILED", "2", events.Accepted, false},
			{"it runs, so it has not failed", ambiguous, "PROCESSING", "1", events.AlreadyRunning, false},
			{"refused after a retry", ambiguous, "FAILED", "1", events.Rejected, true},
			{"a second retry", nil, "FAILED", "1", events.Accepted, true},
			{"a third, whose answer was lost", lostAnswer, "PROCESSING", "1", events.AlreadyRunning, true},
			{"one too many", nil, "FAILED", "1", events.BudgetExhausted, true},
		} {
			a.retry, a.query = always(step.answer), states[step.state]
			o := d.decide(newEvent(step.task))
			if o.Reason != step.want || (o.PreviousRetry != nil) != step.again {
				t.Errorf("%s: %s, previous retry %v, want %s, and one: %v", step.what, o.Reason, o.PreviousRetry, step.want, step.again)
			}
			if p := o.PreviousRetry; p != nil {
				if last := retried[len(retried)-1]; p.Source != last.Source || !p.DecidedAt.Equal(last.DecidedAt) {
					t.Errorf("%s: previous retry %+v, want that of %+v", step.what, p, last.Source)
				}
			}
			if o.CountsAsRetry() && step.task == "1" {
				retried = append(retried, o)
			}
		}
	})
}

// Such an event reports the failure that the retry answers, not a later one.
func TestAnEventThatARetryCoversDoesNotCountAsItsFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{}, 0, nil)
		defer d.stop()
		first, second := newEvent("1"), newEvent("1")
		first.Lease.(*lease).grow(second.Source.Offset + 1)
		if o := d.decide(first); o.Reason != events.Accepted || o.PreviousRetry != nil {
			t.Errorf("the first: %s, %v", o.Reason, o.PreviousRetry)
		}
		if o := d.decide(second); o.Reason != events.Covered || o.PreviousRetry != nil {
			t.Errorf("the covered one: %s, %v", o.Reason, o.PreviousRetry)
		}
		third, fourth := newEvent("1"), newEvent("1")
		third.Lease.(*lease).grow(fourth.Source.Offset + 1)
		for _, ev := range []Event{third, fourth} {
			if o := d.decide(ev); o.PreviousRetry == nil || o.PreviousRetry.Source != first.Source {
				t.Errorf("after it: %s, previous retry %v", o.Reason, o.PreviousRetry)
			}
		}
	})
}
