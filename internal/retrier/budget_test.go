package retrier

import (
	"reflect"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
)

func budgetOf(n int) func(*Config) { return func(c *Config) { c.Budget = n } }

func TestBudgetCountsAcceptedRetriesAndNothingElse(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{}
		d := newHarness(t, a, 0, budgetOf(2))
		defer d.stop()
		doubted := func() Event {
			ev := newEvent("1")
			ev.Lease = &lease{at: ev.Source.Offset, doubt: true, since: time.Now()}
			return ev
		}
		for _, step := range []struct {
			what    string
			answer  error
			state   string
			event   Event
			want    events.Reason
			retries int
		}{
			{"refused", ambiguous, "FAILED", newEvent("1"), events.Rejected, 0},
			{"another's retry", ambiguous, "PROCESSING", newEvent("1"), events.AlreadyRunning, 0},
			{"lost", lostAnswer, "PROCESSING", newEvent("1"), events.AlreadyRunning, 1},
			{"accepted", nil, "FAILED", newEvent("1"), events.Accepted, 2},
			{"one too many", nil, "FAILED", newEvent("1"), events.BudgetExhausted, 2},
			{"another task's", nil, "FAILED", newEvent("2"), events.Accepted, 1},
			{"in doubt, and was accepted", nil, "PROCESSING", doubted(), events.AlreadyRunning, 3},
			{"in doubt, and was not", nil, "FAILED", doubted(), events.BudgetExhausted, 3},
			{"in doubt, not to be asked", nil, "forbidden", doubted(), events.BudgetExhausted, 3},
		} {
			a.retry, a.query = always(step.answer), states[step.state]
			before := a.called()
			o := d.decide(step.event)
			if o.Reason != step.want || *o.Retries != step.retries {
				t.Errorf("%s: %+v with %d retries, want %s with %d", step.what, o, *o.Retries, step.want, step.retries)
			}
			if o.Reason == events.BudgetExhausted && (a.called() != before || o.Covers != nil || o.Attempts != 0) {
				t.Errorf("%s: %d calls, %+v", step.what, a.called()-before, o)
			}
		}
	})
}

func TestWithoutABudgetNothingIsExhausted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{}, 0, nil)
		defer d.stop()
		for n := range 100 {
			if o := d.decide(newEvent("1")); o.Reason != events.Accepted || *o.Retries != n+1 {
				t.Fatalf("%+v with %d retries", o, *o.Retries)
			}
		}
	})
}

// The generation may end between the decision and its publication. The next delivery of the
// event must get the same answer: later events must know of the retry, with its reason.
func TestOwnDecisionThatWasNeverPublishedIsToldAgain(t *testing.T) {
	for name, c := range map[string]struct {
		answer error
		state  string
		want   events.Reason
	}{
		"accepted":           {nil, "FAILED", events.Accepted},
		"lost, and accepted": {lostAnswer, "PROCESSING", events.AlreadyRunning},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &api{retry: always(c.answer), query: states[c.state]}
				d := newHarness(t, a, 0, budgetOf(1))
				defer d.stop()
				ev := storm(5, nil)[2]
				told := d.decide(ev)
				if told.Reason != c.want {
					t.Fatalf("%+v", told)
				}
				told.Error = nil // it is not kept
				time.Sleep(time.Minute)
				ev.Lease = &lease{at: ev.Source.Offset, doubt: true, since: time.Now()} // of the next generation
				ev.Source.Time = ev.Source.Time.Local()
				again := d.decide(ev)
				again.Source = told.Source
				if !reflect.DeepEqual(again, told) {
					t.Errorf("told\n%+v, then\n%+v", told, again)
				}
				if a.called() != 1 {
					t.Errorf("%d calls", a.called())
				}
			})
		})
	}
}

// An unpublished refusal may no longer apply: the partition may have had another owner
// meanwhile, whose call was accepted and who crashed.
func TestOwnRefusalThatWasNeverPublishedIsLookedAtAgain(t *testing.T) {
	for state, want := range map[string]events.Reason{
		"FAILED": events.Rejected, "PROCESSING": events.AlreadyRunning, "CANCELED": events.NotRetryable, "forbidden": events.Rejected,
	} {
		t.Run(state, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &api{retry: always(ambiguous)}
				d := newHarness(t, a, 0, nil)
				defer d.stop()
				all := storm(2, nil)
				if o := d.decide(all[0]); o.Reason != events.Rejected {
					t.Fatalf("%+v", o)
				}
				a.query = states[state]
				for _, ev := range all {
					ev.Lease = &lease{at: ev.Source.Offset, doubt: true, since: time.Now(), end: all[1].Source.Offset + 1}
					if o := d.decide(ev); o.Reason != want || o.AcceptedRetry != (want == events.AlreadyRunning && ev.Source == all[0].Source) {
						t.Errorf("%+v, want %s", o, want)
					}
				}
				if a.called() != 1 {
					t.Errorf("%d calls", a.called())
				}
			})
		})
	}
}

// A former owner's call was accepted, and it crashed. A duplicate in another partition
// comes first and finds the task running: that is the call of the event in doubt.
func TestACallInDoubtCountsThoughADuplicateElsewhereSawItsRetryFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{retry: always(ambiguous), query: states["PROCESSING"]}, 0, nil)
		defer d.stop()
		called, duplicate := newEvent("1"), newEvent("1")
		duplicate.Source.Partition, duplicate.Source.Offset = partition+1, 5
		called.Lease = &lease{at: called.Source.Offset, doubt: true, since: time.Now()}
		duplicate.Lease = &lease{at: duplicate.Source.Offset}
		if o := d.decide(duplicate); o.Reason != events.AlreadyRunning || *o.Retries != 0 {
			t.Errorf("the duplicate: %+v with %d retries", o, *o.Retries)
		}
		if o := d.decide(called); o.Reason != events.AlreadyRunning || !o.AcceptedRetry || *o.Retries != 1 {
			t.Errorf("the event that was called for: %+v with %d retries", o, *o.Retries)
		}
		if n := d.cfg.Ledger.Retries("1"); n != 1 {
			t.Errorf("%d retries are known of", n)
		}
	})
}

// A task whose calls always fail costs its attempts once, however many events it has.
func TestExhaustedAttemptsAnswerAllEventsThatStoodInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{retry: alwaysFailing(unavailable)}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		stop := d.traffic(10 * time.Millisecond)
		all := storm(50, nil)
		var first, others int
		var answers []func() (*Answer, error)
		for _, ev := range all {
			ev.Failure.TaskID = "alwaysFailing"
			answers = append(answers, d.add(t.Context(), ev))
		}
		for _, answer := range answers {
			got, err := answer()
			if err != nil {
				t.Fatal(err)
			}
			got.Acknowledged()
			switch o := got.Outcome; {
			case o.Reason != events.AttemptsExhausted:
				t.Fatalf("%+v", o)
			case o.Attempts == 0:
				others++
			case o.Attempts >= 5 && len(o.Covers) == 1:
				first++
			}
		}
		if n := a.retries["alwaysFailing"]; first != 1 || others != 49 || n > 2*5 {
			t.Errorf("%d answers after calls and %d without, %d calls", first, others, n)
		}
		// Events after the last call report a later failure.
		later := newEvent("alwaysFailing")
		if o := d.decide(later); o.Reason != events.AttemptsExhausted || o.Attempts < 5 {
			t.Errorf("a later failure: %+v", o)
		}
		stop()
	})
}

// A reason that holds for one event says nothing about its duplicates: they have their own
// codes and ages.
func TestReasonsOfOneEventAloneCoverNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(48 * time.Hour) // the bubble's time begins with the year 2000
		d := newHarness(t, &api{}, 0, maxAge)
		defer d.stop()
		all := storm(3, inDoubt)
		all[0].Failure.ErrorCode = "MPC.10052"
		all[0].Source.Time, all[2].Source.Time = time.Now(), time.Now()
		all[1].Source.Time = time.Now().Add(-2 * time.Hour)
		for i, want := range []events.Reason{events.NotRetryable, events.Expired, events.Accepted} {
			if o := d.decide(all[i]); o.Reason != want || (o.Covers != nil) != (want == events.Accepted) {
				t.Errorf("%+v, want %s", o, want)
			}
		}
	})
}
