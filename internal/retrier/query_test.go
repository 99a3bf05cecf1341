package retrier

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

var ambiguous = refusal(mpcclient.Ambiguous, 403, "MPC.10212")

// decideAll answers events of a number of tasks at once and returns the reasons.
func (d *harness) decideAll(n int) map[string]events.Reason {
	var mu sync.Mutex
	var all sync.WaitGroup
	reasons := map[string]events.Reason{}
	for i := range n {
		all.Go(func() {
			id := fmt.Sprint("task-", i)
			o := d.decide(newEvent(id))
			mu.Lock()
			defer mu.Unlock()
			reasons[id] = o.Reason
		})
	}
	all.Wait()
	return reasons
}

func TestManyStatusRequestsShareFewQueries(t *testing.T) {
	for _, c := range []struct{ quota, events int }{{0, 1000}, {6000, 1000}, {600, 1000}} {
		t.Run(fmt.Sprintf("quota %d", c.quota), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &api{retry: always(ambiguous)}
				a.query = func(ids []string) (map[string]mpcclient.Task, error) {
					if len(ids) > 10 {
						t.Errorf("%d ids in a query", len(ids))
					}
					time.Sleep(20 * time.Millisecond)
					return tasksIn(mpcclient.StatusFailed, ids...), nil
				}
				d := newHarness(t, a, c.quota, nil)
				defer d.stop()
				for id, reason := range d.decideAll(c.events) {
					if reason != events.Rejected {
						t.Errorf("%s: %s", id, reason)
					}
				}
				if part := float64(a.asked()) / float64(c.events); part > 0.15 {
					t.Errorf("%.3f queries for an ambiguous event", part)
				}
			})
		})
	}
}

func TestASingleStatusRequestIsSentWithinMilliseconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{retry: always(ambiguous)}, 0, nil)
		defer d.stop()
		began := time.Now()
		d.decide(newEvent("1"))
		if took := time.Since(began); took > 5*time.Millisecond {
			t.Errorf("took %v", took)
		}
	})
}

func TestQueriesStayWithinTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{retry: always(ambiguous)}, 60, nil)
		defer d.stop()
		d.decideAll(120)
		sent := slices.SortedFunc(slices.Values(slices.Concat(d.api.retried, d.api.queried)), time.Time.Compare)
		for i := 60; i < len(sent); i++ {
			if took := sent[i].Sub(sent[i-60]); took < time.Minute {
				t.Fatalf("61 requests within %v", took)
			}
		}
	})
}

func TestOneBadIDDoesNotCondemnTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{retry: always(ambiguous)}
		a.query = func(ids []string) (map[string]mpcclient.Task, error) {
			if slices.Contains(ids, "task-3") {
				return nil, queryRefusal(mpcclient.InvalidTask, 400, "MPC.10202")
			}
			return tasksIn(mpcclient.StatusProcessing, ids...), nil
		}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		for id, reason := range d.decideAll(10) {
			want := events.AlreadyRunning
			if id == "task-3" {
				want = events.InvalidTask
			}
			if reason != want {
				t.Errorf("%s: %s, want %s", id, reason, want)
			}
		}
		if len(a.queries) != 11 || len(a.queries[0]) != 10 {
			t.Errorf("queries: %v", a.queries)
		}
		for _, ids := range a.queries[1:] {
			if len(ids) != 1 {
				t.Errorf("after the batch was refused, asked for %v", ids)
			}
		}
	})
}

func TestRefusedBatchKnowsNothingOfItsTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{retry: always(ambiguous)}
		a.query = func(ids []string) (map[string]mpcclient.Task, error) {
			if len(ids) > 1 {
				return nil, queryRefusal(mpcclient.TaskNotFound, 404, "MPC.10211")
			}
			return tasksIn(mpcclient.StatusFailed, ids...), nil
		}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		for id, reason := range d.decideAll(10) {
			if reason != events.Rejected {
				t.Errorf("%s: %s", id, reason)
			}
		}
	})
}

func TestOutageOfTheQueryDecidesNothing(t *testing.T) {
	for _, e := range []*mpcclient.Error{
		queryRefusal(mpcclient.Transient, 503, ""), queryRefusal(mpcclient.Throttled, 429, "APIG.0308"),
		queryRefusal(mpcclient.Operator, 401, "APIG.0301"), queryRefusal(mpcclient.Operator, 403, "APIG.0401"),
	} {
		t.Run(fmt.Sprint(e.Status, e.Code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				a := &api{retry: always(ambiguous)}
				a.query = func(ids []string) (map[string]mpcclient.Task, error) {
					if time.Since(began) < 3*time.Hour {
						return nil, e
					}
					return nil, nil
				}
				d := newHarness(t, a, 0, nil)
				defer d.stop()
				for id, reason := range d.decideAll(25) {
					if reason != events.TaskNotFound {
						t.Errorf("%s: %s", id, reason)
					}
				}
				if took := time.Since(began); took < 3*time.Hour || took > 3*time.Hour+time.Minute {
					t.Errorf("decided after %v", took)
				}
				if a.called() != 25 {
					t.Errorf("%d calls for 25 events", a.called())
				}
			})
		})
	}
}

func TestMissingPermissionIsSaidOnceAndTriedAgainLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		a := &api{retry: always(ambiguous)}
		a.query = func(ids []string) (map[string]mpcclient.Task, error) {
			if time.Since(began) < time.Hour {
				e := *notPermitted
				e.RequestID = fmt.Sprint("request-", time.Now()) // each has its own
				return nil, &e
			}
			return tasksIn(mpcclient.StatusProcessing, ids...), nil
		}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		for time.Since(began) < time.Hour {
			if o := d.decide(newEvent("1")); o.Reason != events.Rejected {
				t.Fatalf("%+v", o)
			}
			time.Sleep(time.Minute)
		}
		if n := a.asked(); n < 5 || n > 8 {
			t.Errorf("%d queries in an hour without the permission", n)
		}
		said := d.log.AllEntries()
		if len(said) != 1 || !strings.Contains(said[0].Message, "mpc:remuxTsk:view") {
			t.Errorf("said: %v", said)
		}
		if !d.gate.Available() || d.gate.Counters().Outages > 0 {
			t.Error("a query that is not permitted was taken for an outage")
		}

		time.Sleep(11 * time.Minute)
		if o := d.decide(newEvent("1")); o.Reason != events.AlreadyRunning {
			t.Errorf("with the permission: %+v", o)
		}
		if said := d.log.AllEntries(); len(said) != 2 {
			t.Errorf("said: %v", said)
		}
	})
}

func TestAnAbandonedStatusRequestIsNotSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{}, 60, nil)
		defer d.stop()
		ctx, cancel := contextFor(time.Millisecond)
		defer cancel()
		ev := newEvent("1")
		ev.Lease = &lease{at: ev.Source.Offset, doubt: true, since: time.Now()}
		if _, err := d.Answer(ctx, ev); err == nil {
			t.Error("answered without having asked")
		}
		time.Sleep(time.Minute)
		if d.api.asked() != 0 {
			t.Errorf("queries: %v", d.api.queries)
		}
		if s := d.gate.State(); s.Waiting+s.InFlight != 0 {
			t.Errorf("left behind: %+v", s)
		}
	})
}

// An API that returns only the last of several tasks makes nine of ten tasks look unknown.
func TestMissingTasksOfOneAnswerAreBelievedOnlyIfOneAskedAloneIsMissing(t *testing.T) {
	exists := func(ids []string) (map[string]mpcclient.Task, error) {
		return tasksIn(mpcclient.StatusProcessing, ids...), nil
	}
	for name, c := range map[string]struct {
		query   func(ids []string) (map[string]mpcclient.Task, error)
		want    events.Reason
		queries int // for 30 tasks, at most
	}{
		"the last of several":      {func(ids []string) (map[string]mpcclient.Task, error) { return exists(ids[len(ids)-1:]) }, events.AlreadyRunning, 31},
		"the first of several":     {func(ids []string) (map[string]mpcclient.Task, error) { return exists(ids[:1]) }, events.AlreadyRunning, 31},
		"all":                      {exists, events.AlreadyRunning, 4},
		"none, and there are none": {func([]string) (map[string]mpcclient.Task, error) { return nil, nil }, events.TaskNotFound, 8},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newHarness(t, &api{retry: always(ambiguous), query: c.query}, 0, nil)
				defer d.stop()
				for id, reason := range d.decideAll(30) {
					if reason != c.want {
						t.Errorf("%s: %s", id, reason)
					}
				}
				if n := d.api.asked(); n > c.queries {
					t.Errorf("%d queries, want at most %d", n, c.queries)
				}
			})
		})
	}
}

// One task of several that MPC does not know is usual, and believed at once.
func TestOneMissingTaskAmongOthersIsBelievedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{retry: always(ambiguous), query: func(ids []string) (map[string]mpcclient.Task, error) {
			ids = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return id == "task-3" })
			return tasksIn(mpcclient.StatusFailed, ids...), nil
		}}, 0, nil)
		defer d.stop()
		for id, reason := range d.decideAll(10) {
			if want := map[bool]events.Reason{true: events.TaskNotFound, false: events.Rejected}[id == "task-3"]; reason != want {
				t.Errorf("%s: %s, want %s", id, reason, want)
			}
		}
		if n := d.api.asked(); n != 1 {
			t.Errorf("%d queries", n)
		}
	})
}
