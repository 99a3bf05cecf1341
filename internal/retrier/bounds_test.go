package retrier

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

func TestCallsInFlightAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		now, most := 0, 0
		a := &api{retry: func(context.Context, string, int) error {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			defer mu.Unlock()
			now--
			return nil
		}}
		d := newHarness(t, a, 0, func(c *Config) { c.MaxInFlight = 7 })
		defer d.stop()
		d.decideAll(50)
		if most != 7 {
			t.Errorf("%d calls in flight, want 7", most)
		}
	})
}

// Each goroutine that only waits for a permit costs its stack, and garbage collection time.
func TestNoMoreTasksComeToTheirCallsThanMayBeInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var most atomic.Int32
		var d *harness
		a := &api{retry: func(context.Context, string, int) error {
			d.schedule.mu.Lock()
			calling := 0 // others may be running, too: their calls have ended
			for _, task := range d.schedule.tasks {
				if task.calling {
					calling++
				}
			}
			d.schedule.mu.Unlock()
			most.Store(max(most.Load(), int32(calling)))
			time.Sleep(time.Second)
			return nil
		}}
		d = newHarness(t, a, 0, func(c *Config) { c.MaxInFlight = 7 })
		defer d.stop()
		d.decideAll(50)
		if most.Load() > 7 {
			t.Errorf("%d tasks have come to their calls, though 7 may be in flight", most.Load())
		}
	})
}

func TestTasksWhoseStatesAreAskedForHoldUpNoCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{
			retry: func(_ context.Context, id string, _ int) error {
				time.Sleep(time.Second)
				if id == "700010" {
					return nil
				}
				return ambiguous
			},
			query: func(ids []string) (map[string]mpcclient.Task, error) {
				time.Sleep(time.Minute)
				return tasksIn(mpcclient.StatusFailed, ids...), nil
			},
		}
		// Two calls are refused together, and one query asks for both tasks.
		d := newHarness(t, a, 0, func(c *Config) { c.MaxInFlight = 2 })
		defer d.stop()
		var all sync.WaitGroup
		for i := range 2 {
			all.Go(func() { d.decide(newEvent(fmt.Sprint("ambiguous", i))) })
		}
		synctest.Wait()
		began := time.Now()
		d.decide(newEvent("700010"))
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("the next task was answered after %v", took)
		}
		all.Wait()
	})
}

func TestCallingStopsAtTheBoundOfUnacknowledgedAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{}, 0, func(c *Config) { c.MaxInFlight = 3 })
		defer d.stop()
		answers := make(chan *Answer, 20)
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				answer, err := d.Answer(context.Background(), newEvent(fmt.Sprint(i)))
				if err != nil {
					t.Error(err)
				}
				answers <- answer
			})
		}
		time.Sleep(time.Hour)
		for n := 6; n < 20; n++ {
			if d.api.called() != n {
				t.Fatalf("%d calls with %d answers acknowledged, want %d", d.api.called(), n-6, n)
			}
			answer := <-answers
			answer.Acknowledged()
			synctest.Wait()
		}
		all.Wait()
	})
}

func TestAnswerWithoutACallIsNotHeldBackByTheBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{query: states["PROCESSING"]}, 0, func(c *Config) { c.MaxInFlight = 1 })
		defer d.stop()
		for i := range 2 { // these are not acknowledged
			if _, err := d.Answer(context.Background(), newEvent(fmt.Sprint(i))); err != nil {
				t.Fatal(err)
			}
		}
		ev := newEvent("skipped")
		ev.Failure.ErrorCode = "MPC.10052"
		if o := d.decide(ev); o.Reason != events.NotRetryable {
			t.Errorf("%+v", o)
		}
		ev = newEvent("in doubt")
		ev.Lease = &lease{at: ev.Source.Offset, doubt: true, since: time.Now()}
		if o := d.decide(ev); o.Reason != events.AlreadyRunning {
			t.Errorf("%+v", o)
		}
	})
}

// All slots are taken by events whose calls' answers were lost: the queries that settle
// them need no slot.
func TestEventsInDoubtDoNotBlockTheQueriesThatSettleThem(t *testing.T) {
	for _, maxInFlight := range []int{1, 2, 64} {
		for name, query := range map[string]func([]string) (map[string]mpcclient.Task, error){
			"permitted": nil, "forbidden": queryFails(notPermitted),
		} {
			t.Run(fmt.Sprint(maxInFlight, name), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := &api{retry: first(lostAnswer, lostAnswer), query: query}
					d := newHarness(t, a, 0, func(c *Config) { c.MaxInFlight = maxInFlight })
					defer d.stop()
					for id, reason := range d.decideAll(5 * maxInFlight) {
						if reason != events.Accepted {
							t.Errorf("%s: %s", id, reason)
						}
					}
				})
			})
		}
	}
}

func TestOneInFlightSurvivesAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		a := &api{retry: func(context.Context, string, int) error {
			if time.Since(began) < time.Hour {
				time.Sleep(settle)
				return lostAnswer
			}
			return nil
		}}
		a.query = func(ids []string) (map[string]mpcclient.Task, error) {
			if time.Since(began) < time.Hour {
				return nil, queryRefusal(mpcclient.Transient, 0, "")
			}
			return tasksIn(mpcclient.StatusFailed, ids...), nil
		}
		d := newHarness(t, a, 100, func(c *Config) { c.MaxInFlight = 1 })
		defer d.stop()
		for id, reason := range d.decideAll(20) {
			if reason != events.Accepted {
				t.Errorf("%s: %s", id, reason)
			}
		}
	})
}

func TestCallWaitsUntilThePartitionIsOurs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{}, 600, nil)
		defer d.stop()
		ev := newEvent("1")
		l := &lease{at: ev.Source.Offset, notYet: 3}
		ev.Lease = l
		if o := d.decide(ev); o.Reason != events.Accepted || o.Attempts != 1 {
			t.Errorf("%+v", o)
		}
		if len(l.heard) != 4 {
			t.Errorf("asked the consumer: %v", l.heard)
		}
		if s := d.gate.State(); s.InFlight != 0 || s.Ended != 1 {
			t.Errorf("a turn that was not used is under way: %+v", s)
		}
	})
}

func TestLeaseThatIsLostEndsTheEventWithoutACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{}, 0, func(c *Config) { c.MaxInFlight = 1 })
		defer d.stop()
		gone := errors.New("the generation has ended")
		for range 5 { // more than there are slots: each is given back
			ev := newEvent("1")
			l := &lease{at: ev.Source.Offset, refused: gone}
			ev.Lease = l
			if _, err := d.Answer(context.Background(), ev); !errors.Is(err, gone) {
				t.Errorf("got %v", err)
			}
			if l.calledAndOpen() {
				t.Errorf("no call was made, yet it is in doubt: %v", l.heard)
			}
		}
		if d.api.called() != 0 {
			t.Error("called")
		}
	})
}

// We made no call, but a former owner's may have been accepted.
func TestLeaseThatIsLostLeavesAFormerOwnersCallInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{query: queryFails(notPermitted)}, 0, nil)
		defer d.stop()
		ev := newEvent("1")
		l := &lease{at: ev.Source.Offset, doubt: true, since: time.Now(), refused: errors.New("the generation has ended")}
		ev.Lease = l
		if _, err := d.Answer(context.Background(), ev); !errors.Is(err, l.refused) {
			t.Errorf("got %v", err)
		}
		if !l.calledAndOpen() {
			t.Errorf("said to the consumer: %v", l.heard)
		}
	})
}
