package retrier

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

// After a lost answer the state decides whether anything is called again.
func TestLostAnswerIsSettledByTheState(t *testing.T) {
	for state, want := range map[string]events.Reason{
		"INIT": events.AlreadyRunning, "WAITING": events.AlreadyRunning, "PROCESSING": events.AlreadyRunning,
		"SUCCEED": events.AlreadyRunning, "QUEUED": events.AlreadyRunning, "CANCELED": events.NotRetryable,
		"not known": events.TaskNotFound, "10211": events.TaskNotFound, "10202": events.InvalidTask,
	} {
		t.Run(state, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newHarness(t, &api{retry: first(lostAnswer), query: states[state]}, 0, nil)
				defer d.stop()
				began := time.Now()
				ev := newEvent("1")
				if o := d.decide(ev); o.Reason != want || o.Attempts != 1 {
					t.Errorf("%+v, want %s", o, want)
				}
				if took := time.Since(began); took > 1100*time.Millisecond {
					t.Errorf("a state that settles at once took %v", took)
				}
				if got := ev.Lease.(*lease).heard; !slices.Equal(got, []string{"before"}) {
					t.Errorf("said to the consumer: %v", got)
				}
			})
		})
	}
}

func TestFAILEDRightAfterALostAnswerIsNotBelieved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		a := &api{retry: first(lostAnswer)}
		a.query = func(ids []string) (map[string]mpcclient.Task, error) {
			if time.Since(began) < settle/2 {
				return tasksIn(mpcclient.StatusFailed, ids...), nil
			}
			return tasksIn(mpcclient.StatusProcessing, ids...), nil // MPC has processed the call
		}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		if o := d.decide(newEvent("1")); o.Reason != events.AlreadyRunning || o.Attempts != 1 {
			t.Errorf("%+v", o)
		}
	})
}

// MPC may read the state at once and answer late, and this process may sleep before it
// looks at the answer (SIGSTOP): only the time when the query was sent is certain.
func TestFAILEDOfAQueryThatWasSentTooEarlyIsNotBelievedHoweverLateItsAnswerIs(t *testing.T) {
	for name, crash := range map[string]bool{"after a lost answer": false, "after a crash": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &api{}
				if !crash {
					a.retry = first(lostAnswer)
				}
				a.query = func(ids []string) (map[string]mpcclient.Task, error) {
					if a.asked() == 1 {
						time.Sleep(2 * settle)
						return tasksIn(mpcclient.StatusFailed, ids...), nil
					}
					return tasksIn(mpcclient.StatusProcessing, ids...), nil // MPC has processed the call
				}
				d := newHarness(t, a, 0, nil)
				defer d.stop()
				ev := newEvent("1")
				if crash {
					ev.Lease = &lease{at: ev.Source.Offset, doubt: true, since: time.Now()}
				}
				if o := d.decide(ev); o.Reason != events.AlreadyRunning || d.api.called() > 1 {
					t.Errorf("%+v after %d calls", o, d.api.called())
				}
			})
		})
	}
}

func TestFAILEDLongAfterALostAnswerIsCalledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{retry: first(lostAnswer)}, 0, nil)
		defer d.stop()
		ev := newEvent("1")
		if o := d.decide(ev); o.Reason != events.Accepted || o.Attempts != 2 {
			t.Errorf("%+v", o)
		}
		if apart := d.api.retried[1].Sub(d.api.retried[0]); apart < settle || apart > settle+time.Second {
			t.Errorf("the second call came %v after the first", apart)
		}
		if d.api.asked() != 2 || d.api.queried[1].Sub(d.api.retried[0]) < settle {
			t.Errorf("queries at %v, first call at %v", d.api.queried, d.api.retried[0])
		}
		if got := ev.Lease.(*lease).heard; !slices.Equal(got, []string{"before", "settled", "before"}) {
			t.Errorf("said to the consumer: %v", got)
		}
	})
}

func TestCallInDoubtAfterACrashIsAskedAboutFirst(t *testing.T) {
	for state, want := range map[string]events.Reason{
		"PROCESSING": events.AlreadyRunning, "SUCCEED": events.AlreadyRunning, "QUEUED": events.AlreadyRunning,
		"CANCELED": events.NotRetryable, "not known": events.TaskNotFound, "10202": events.InvalidTask,
	} {
		t.Run(state, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newHarness(t, &api{query: states[state]}, 0, nil)
				defer d.stop()
				ev := newEvent("1")
				ev.Lease = &lease{at: ev.Source.Offset, doubt: true, since: time.Now()}
				began := time.Now()
				if o := d.decide(ev); o.Reason != want || o.Attempts != 0 || d.api.called() != 0 {
					t.Errorf("%+v after %d calls, want %s", o, d.api.called(), want)
				}
				if took := time.Since(began); took > 10*time.Millisecond {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestFAILEDAfterACrashCountsFromTheAssignmentOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{}, 0, nil)
		defer d.stop()
		for ago, wait := range map[time.Duration]time.Duration{0: settle, settle / 2: settle / 2, time.Hour: 0} {
			began := time.Now()
			ev := newEvent("1")
			ev.Lease = &lease{at: ev.Source.Offset, doubt: true, since: began.Add(-ago)}
			if o := d.decide(ev); o.Reason != events.Accepted || o.Attempts != 1 {
				t.Errorf("%+v", o)
			}
			if took := time.Since(began); took < wait || took > wait+50*time.Millisecond {
				t.Errorf("assigned %v ago: called after %v, want %v", ago, took, wait)
			}
			if got := ev.Lease.(*lease).heard; !slices.Equal(got, []string{"settled", "before"}) {
				t.Errorf("said to the consumer: %v", got)
			}
		}
	})
}

// A refusal to disclose a task's state does not allow another call: the call in doubt may
// have been accepted.
func TestNothingIsCalledAgainBecauseMPCDoesNotTellTheState(t *testing.T) {
	for name, crashed := range map[string]bool{"lost": false, "crashed": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				a := &api{}
				if !crashed {
					a.retry = first(lostAnswer)
				}
				a.query = func(ids []string) (map[string]mpcclient.Task, error) {
					if time.Since(began) < time.Hour {
						return states["another 4xx"](ids)
					}
					return tasksIn(mpcclient.StatusProcessing, ids...), nil
				}
				d := newHarness(t, a, 0, nil)
				defer d.stop()
				ev := newEvent("1")
				ev.Lease = &lease{at: ev.Source.Offset, doubt: crashed, since: began}
				o := d.decide(ev)
				if o.Reason != events.AlreadyRunning || !o.AcceptedRetry || d.api.called() > 1 || crashed && d.api.called() > 0 {
					t.Errorf("%+v after %d calls", o, d.api.called())
				}
				if n := d.api.asked(); n < 12 || n > 60 {
					t.Errorf("asked %d times in an hour", n)
				}
				if said := len(d.log.AllEntries()) - len(d.failures()); said != 1 {
					t.Errorf("said %d times", said)
				}
			})
		})
	}
}

// If states cannot be queried, a call that may have been accepted is the best explanation
// of the next one's refusal.
func TestWithoutTheQueryARefusalAfterADoubtMeansThatTheTaskRuns(t *testing.T) {
	refused := refusal(mpcclient.Ambiguous, 403, "MPC.10212")
	for name, c := range map[string]struct {
		crashed bool
		calls   []error
		want    events.Reason
		n       int
	}{
		"no doubt":                       {false, []error{refused}, events.Rejected, 1},
		"no doubt, 10213":                {false, []error{refusal(mpcclient.Ambiguous, 403, "MPC.10213")}, events.AlreadyRunning, 1},
		"lost":                           {false, []error{lostAnswer, refused}, events.AlreadyRunning, 2},
		"lost, and no answer in between": {false, []error{lostAnswer, unavailable, refused}, events.AlreadyRunning, 3},
		"crashed":                        {true, []error{refused}, events.AlreadyRunning, 1},
		"crashed, unavailable":           {true, []error{unavailable, refused}, events.AlreadyRunning, 2},
		"lost, then accepted":            {false, []error{lostAnswer}, events.Accepted, 2},
		"crashed, unknown to MPC":        {true, []error{refusal(mpcclient.TaskNotFound, 403, "MPC.10211")}, events.TaskNotFound, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newHarness(t, &api{retry: first(c.calls...), query: queryFails(notPermitted)}, 0, nil)
				defer d.stop()
				ev := newEvent("1")
				ev.Lease = &lease{at: ev.Source.Offset, doubt: c.crashed, since: time.Now()}
				if o := d.decide(ev); o.Reason != c.want || o.Attempts != c.n {
					t.Errorf("%+v, want %s after %d calls", o, c.want, c.n)
				}
				if !ev.Lease.(*lease).calledAndOpen() {
					t.Errorf("a doubt that nothing settled was said to be settled: %v", ev.Lease.(*lease).heard)
				}
			})
		})
	}
}

// Only a lost answer makes a query necessary; an outage does not.
func TestOutageIsNoDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{retry: first(unavailable, refusal(mpcclient.Throttled, 429, "APIG.0308"), refusal(mpcclient.Operator, 401, "APIG.0301"))}, 0, nil)
		defer d.stop()
		ev := newEvent("1")
		if o := d.decide(ev); o.Reason != events.Accepted || o.Attempts != 4 || d.api.asked() != 0 {
			t.Errorf("%+v after %d queries", o, d.api.asked())
		}
		want := []string{"before", "settled", "before", "settled", "before", "settled", "before"}
		if got := ev.Lease.(*lease).heard; !slices.Equal(got, want) {
			t.Errorf("said to the consumer: %v", got)
		}
	})
}

// An error of an unknown kind may stand for an accepted call.
func TestUnknownErrorIsTakenForALostAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{retry: first(context.DeadlineExceeded), query: states["PROCESSING"]}, 0, nil)
		defer d.stop()
		if o := d.decide(newEvent("1")); o.Reason != events.AlreadyRunning {
			t.Errorf("%+v", o)
		}
	})
}

// After a crash, and without the permission to query states, a call's answer covers what
// was in the log when it was sent, as always.
func TestWithoutTheQueryAnExhaustedTaskInDoubtCoversWhatStoodInTheLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{retry: alwaysFailing(unavailable), query: states["forbidden"]}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		stop := d.traffic(10 * time.Millisecond)
		defer stop()
		all := storm(2, inDoubt)
		for i := range all {
			all[i].Failure.TaskID = "alwaysFailing"
		}
		var got []events.Outcome
		for _, wait := range []func() (*Answer, error){d.add(t.Context(), all[0]), d.add(t.Context(), all[1])} {
			answer, err := wait()
			if err != nil {
				t.Fatal(err)
			}
			answer.Acknowledged()
			got = append(got, answer.Outcome)
		}
		want := all[1].Source.Offset + 1
		if o := got[0]; o.Reason != events.AttemptsExhausted || len(o.Covers) != 1 || o.Covers[0].End != want {
			t.Errorf("%+v, want that it covers what stands below %d", o, want)
		}
		if o := got[1]; o.Reason != events.AttemptsExhausted || o.Attempts > 0 {
			t.Errorf("what it covers: %+v", o)
		}
	})
}
