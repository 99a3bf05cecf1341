package retrier

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

var errStopped = errors.New("stopped")

// stopped answers an event and stops it after the time. It returns how long the answer took from
// then on.
func (d *harness) stopped(ev Event, after time.Duration) (*Answer, time.Duration, error) {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	stopAt := time.Now().Add(after)
	timer := time.AfterFunc(after, func() { cancel(errStopped) })
	defer timer.Stop()
	answer, err := d.Answer(ctx, ev)
	return answer, time.Since(stopAt), err
}

// Wherever an event waits, a stop ends the wait at once.
func TestStopEndsEveryWaitAtOnce(t *testing.T) {
	for name, c := range map[string]struct {
		api    *api
		quota  int
		busy   bool // another event of the task is being answered
		full   bool // all slots are taken
		crash  bool
		open   bool // the event is in doubt for a next owner
		before time.Duration
	}{
		"its duplicate":          {api: &api{}, busy: true},
		"a slot":                 {api: &api{}, full: true},
		"the quota":              {api: &api{}, quota: 1},
		"backoff":                {api: &api{retry: always(unavailable)}, before: 100 * time.Millisecond},
		"backoff after a doubt":  {api: &api{retry: always(lostAnswer)}, before: 100 * time.Millisecond, open: true},
		"FAILED to be believed":  {api: &api{retry: always(lostAnswer)}, before: 5 * time.Second, open: true},
		"the query's outage":     {api: &api{query: queryFails(unavailable)}, crash: true},
		"the API":                {api: &api{retry: always(unavailable)}, before: time.Hour},
		"FAILED after a crash":   {api: &api{}, crash: true},
		"the query's own answer": {api: &api{query: hangs}, crash: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := c.api
				d := newHarness(t, a, c.quota, func(c *Config) { c.MaxInFlight = 1 })
				defer d.stop()
				if c.busy {
					a.retry = hangsFirst()
					go func() {
						if answer, err := d.Answer(context.Background(), newEvent("1")); err == nil {
							answer.Acknowledged()
						}
					}()
					time.Sleep(time.Millisecond)
				}
				if c.full {
					for range 2 {
						d.schedule.mu.Lock()
						d.schedule.freeSlots--
						d.schedule.mu.Unlock()
					}
				}
				ev := newEvent("1")
				l := &lease{at: ev.Source.Offset, doubt: c.crash, since: time.Now()}
				ev.Lease = l
				answer, took, err := d.stopped(ev, max(c.before, time.Second/10))
				if answer != nil || !errors.Is(err, errStopped) || took != 0 && !c.busy {
					t.Errorf("%v, %v, %v after the stop", answer, err, took)
				}
				if got := l.calledAndOpen(); got != c.open {
					t.Errorf("in doubt for a next owner: %v, the consumer heard %v", got, l.heard)
				}
				if free := takes(d, 2); free == c.full {
					t.Error("a slot was lost")
				}
			})
		})
	}
}

// hangsFirst makes a task's first call slow.
func hangsFirst() func(context.Context, string, int) error {
	return func(_ context.Context, _ string, nth int) error {
		if nth == 1 {
			time.Sleep(time.Second)
		}
		return nil
	}
}

func hangs([]string) (map[string]mpcclient.Task, error) {
	time.Sleep(settle)
	return nil, unavailable
}

func TestCallUnderWayAtAStopIsLetEndAndCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{retry: func(ctx context.Context, _ string, _ int) error {
			time.Sleep(5 * time.Second)
			return ctx.Err()
		}}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		answer, took, err := d.stopped(newEvent("1"), time.Second)
		if err != nil || took != 4*time.Second {
			t.Fatalf("%v after %v", err, took)
		}
		if answer.Outcome.Reason != events.Accepted {
			t.Errorf("%+v", answer.Outcome)
		}
		answer.Acknowledged()
	})
}

func TestFinalRefusalOfACallUnderWayAtAStopCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{retry: func(context.Context, string, int) error {
			time.Sleep(5 * time.Second)
			return refusal(mpcclient.TaskNotFound, 403, "MPC.10211")
		}}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		answer, _, err := d.stopped(newEvent("1"), time.Second)
		if err != nil || answer.Outcome.Reason != events.TaskNotFound {
			t.Fatalf("%+v, %v", answer, err)
		}
		answer.Acknowledged()
	})
}

func TestLostAnswerAtAStopStaysInDoubt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &api{retry: func(context.Context, string, int) error {
			time.Sleep(5 * time.Second)
			return lostAnswer
		}}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		ev := newEvent("1")
		_, took, err := d.stopped(ev, time.Second)
		if !errors.Is(err, errStopped) || took != 4*time.Second {
			t.Errorf("%v after %v", err, took)
		}
		if !ev.Lease.(*lease).calledAndOpen() {
			t.Errorf("said to the consumer: %v", ev.Lease.(*lease).heard)
		}
	})
}

// A refusal's reason needs a query: it may still be sent until the drain is over.
func TestRefusedEventMayStillAskAfterAStop(t *testing.T) {
	for name, c := range map[string]struct {
		query time.Duration // how long it takes
		took  time.Duration
		want  events.Reason // empty: given up
	}{
		"at once":  {0, 4*time.Second + gather, events.AlreadyRunning},
		"in time":  {2 * time.Second, 6*time.Second + gather, events.AlreadyRunning},
		"too late": {30 * time.Second, 15 * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &api{retry: func(context.Context, string, int) error {
					time.Sleep(5 * time.Second)
					return ambiguous
				}}
				a.query = func(ids []string) (map[string]mpcclient.Task, error) {
					time.Sleep(c.query)
					return tasksIn(mpcclient.StatusProcessing, ids...), nil
				}
				d := newHarness(t, a, 0, nil)
				defer d.stop()
				ev := newEvent("1")
				drain, cancel := context.WithTimeoutCause(context.Background(), 16*time.Second, errStopped)
				defer cancel()
				ev.Lease = &lease{at: ev.Source.Offset, owned: drain}
				answer, took, err := d.stopped(ev, time.Second)
				if took != c.took {
					t.Errorf("took %v from the stop on, want %v", took, c.took)
				}
				if c.want == "" {
					if !errors.Is(err, errStopped) || !ev.Lease.(*lease).calledAndOpen() {
						t.Errorf("%v; said to the consumer: %v", err, ev.Lease.(*lease).heard)
					}
					return
				}
				if err != nil || answer.Outcome.Reason != c.want {
					t.Fatalf("%+v, %v", answer, err)
				}
				answer.Acknowledged()
			})
		})
	}
}
