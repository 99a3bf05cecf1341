package retrier

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

func TestOutageOfHoursDecidesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		latency time.Duration
	}{
		"503":        {unavailable, 0},
		"429":        {refusal(mpcclient.Throttled, 429, "APIG.0308"), 0},
		"10237":      {refusal(mpcclient.Throttled, 406, "MPC.10237"), 0},
		"401":        {refusal(mpcclient.Operator, 401, "APIG.0301"), 0},
		"403 HTML":   {refusal(mpcclient.Operator, 403, ""), 0},
		"no balance": {refusal(mpcclient.Operator, 403, "MPC.10244"), 0},
		"reset":      {lostAnswer, 0},
		"hanging":    {lostAnswer, settle},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				away := func() error {
					if time.Since(began) < 5*time.Hour {
						time.Sleep(c.latency)
						return c.err
					}
					return nil
				}
				a := &api{retry: func(context.Context, string, int) error { return away() }}
				a.query = func(ids []string) (map[string]mpcclient.Task, error) {
					if away() != nil {
						return nil, queryRefusal(mpcclient.Transient, 503, "")
					}
					return tasksIn(mpcclient.StatusFailed, ids...), nil
				}
				d := newHarness(t, a, 600, func(c *Config) { c.MaxInFlight = 4 })
				defer d.stop()
				for id, reason := range d.decideAll(30) {
					if reason != events.Accepted {
						t.Errorf("%s: %s", id, reason)
					}
				}
				if took := time.Since(began); took < 5*time.Hour || took > 5*time.Hour+90*time.Second {
					t.Errorf("decided after %v", took)
				}
				if n := a.called() + a.asked(); n > 4000 {
					t.Errorf("%d requests in five hours of outage", n)
				}
			})
		})
	}
}

// traffic answers events of new tasks, one per interval, until stopped.
func (d *harness) traffic(every time.Duration) (stop func() []events.Reason) {
	ctx, cancel := context.WithCancel(context.Background())
	var mu sync.Mutex
	var reasons []events.Reason
	var all sync.WaitGroup
	all.Go(func() {
		for i := 0; d.cfg.Clock.Sleep(ctx, every) == nil; i++ {
			all.Go(func() {
				answer, err := d.Answer(ctx, newEvent(fmt.Sprint("other-", i)))
				if err != nil {
					return // stopped
				}
				answer.Acknowledged()
				mu.Lock()
				defer mu.Unlock()
				reasons = append(reasons, answer.Outcome.Reason)
			})
		}
	})
	return func() []events.Reason {
		cancel()
		all.Wait()
		return reasons
	}
}

// alwaysFailing makes every call for one task fail.
func alwaysFailing(err error) func(context.Context, string, int) error {
	return func(_ context.Context, id string, _ int) error {
		if id == "alwaysFailing" {
			return err
		}
		return nil
	}
}

func TestEventThatAlwaysFailsAloneIsExhausted(t *testing.T) {
	for name, err := range map[string]error{"500": unavailable, "lost": lostAnswer, "403": refusal(mpcclient.Operator, 403, "")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newHarness(t, &api{retry: alwaysFailing(err)}, 0, nil)
				defer d.stop()
				stop := d.traffic(10 * time.Millisecond)
				o := d.decide(newEvent("alwaysFailing"))
				if o.Reason != events.AttemptsExhausted || o.Attempts < 5 || (o.Error == nil) != errors.Is(err, lostAnswer) {
					t.Errorf("%+v", o)
				}
				if d.gate.Counters().Outages > 0 {
					t.Error("one event's failures were taken for an outage")
				}
				for _, reason := range stop() {
					if reason != events.Accepted {
						t.Errorf("another event: %s", reason)
					}
				}
			})
		})
	}
}

// undecided fails if the event is answered within the time.
func (d *harness) undecided(ev Event, within time.Duration) {
	d.t.Helper()
	ctx, cancel := contextFor(within)
	defer cancel()
	if answer, err := d.Answer(ctx, ev); err == nil {
		d.t.Errorf("answered: %+v", answer.Outcome)
		answer.Acknowledged()
	}
}

func TestEventThatFailsOnAQuietTopicWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{retry: alwaysFailing(unavailable)}, 0, nil)
		defer d.stop()
		d.undecided(newEvent("alwaysFailing"), 24*time.Hour)
	})
}

func TestFewSamplesProveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{retry: alwaysFailing(unavailable)}, 0, nil)
		defer d.stop()
		stop := d.traffic(10 * time.Second)
		time.Sleep(2 * time.Minute)
		time.AfterFunc(89*time.Second, func() { stop() }) // nine come after the first failure
		d.undecided(newEvent("alwaysFailing"), 12*time.Hour)
	})
}

// A task that always fails costs few calls, whether others are called often or rarely; if
// no others are called, it is called at most about once a minute.
func TestATaskThatAlwaysFailsCostsFewCalls(t *testing.T) {
	for name, failure := range map[string]error{"500": unavailable, "lost": lostAnswer} {
		for _, others := range []time.Duration{10 * time.Millisecond, time.Second, 4 * time.Second, 0} {
			t.Run(fmt.Sprint(name, " others ", others), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					a := &api{retry: alwaysFailing(failure)}
					d := newHarness(t, a, 0, nil)
					defer d.stop()
					if others == 0 {
						d.undecided(newEvent("alwaysFailing"), 12*time.Hour)
						if n := a.called() + a.asked(); n > 2*12*66 {
							t.Errorf("%d requests in 12 hours", n)
						}
						return
					}
					stop := d.traffic(others)
					time.Sleep(11 * others)
					began := time.Now()
					o := d.decide(newEvent("alwaysFailing"))
					took := time.Since(began)
					stop()
					if o.Reason != events.AttemptsExhausted || o.Attempts > 2*5 || took > time.Hour {
						t.Errorf("%s after %d calls and %v", o.Reason, o.Attempts, took)
					}
				})
			})
		}
	}
}

func TestAPIThatFailsOthersTooProvesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int64
		d := newHarness(t, &api{retry: func(_ context.Context, id string, _ int) error {
			if id == "alwaysFailing" || calls.Add(1)%5 == 0 {
				return unavailable
			}
			return nil
		}}, 0, nil)
		defer d.stop()
		stop := d.traffic(10 * time.Millisecond)
		d.undecided(newEvent("alwaysFailing"), 2*time.Minute)
		stop()
	})
}

func TestThrottlingNeverCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{retry: alwaysFailing(refusal(mpcclient.Throttled, 429, "APIG.0308"))}, 0, nil)
		defer d.stop()
		stop := d.traffic(10 * time.Millisecond) // enough samples
		d.undecided(newEvent("alwaysFailing"), 2*time.Minute)
		stop()
	})
}

func TestHalfOfTheCallsFailingExhaustsNoTask(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, random := time.Now(), rand.New(rand.NewPCG(3, 4))
		var mu sync.Mutex
		d := newHarness(t, &api{retry: func(context.Context, string, int) error {
			mu.Lock()
			defer mu.Unlock()
			if time.Since(began) < time.Minute && random.IntN(2) == 0 {
				return unavailable
			}
			return nil
		}}, 6000, nil)
		defer d.stop()
		stop := d.traffic(50 * time.Millisecond)
		time.Sleep(3 * time.Minute)
		reasons := stop()
		if len(reasons) < 3000 {
			t.Errorf("%d of 3600 answered", len(reasons))
		}
		for _, reason := range reasons {
			if reason != events.Accepted {
				t.Errorf("%s", reason)
			}
		}
	})
}

// The first failures of an outage look as if they were the events' own, until all other
// calls fail too.
func TestFirstFailuresOfAnOutageDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		a := &api{retry: func(_ context.Context, id string, nth int) error {
			since := time.Since(began)
			if id == "alwaysFailing" && nth == 1 || since > 500*time.Millisecond && since < 2*time.Minute {
				return unavailable
			}
			return nil
		}}
		d := newHarness(t, a, 0, func(c *Config) { c.MaxAttempts = 1 })
		defer d.stop()
		stop := d.traffic(10 * time.Millisecond)
		// About fifty others are served after its failure, then none.
		if o := d.decide(newEvent("alwaysFailing")); o.Reason != events.Accepted {
			t.Errorf("%+v", o)
		}
		stop()
	})
}

// The same for the last failures, though all requests after them are served. Two failures
// do not open the breaker: the gate knows of no outage.
func TestLastFailuresOfAnOutageDoNotCount(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		d := newHarness(t, &api{retry: func(_ context.Context, id string, nth int) error {
			bad := time.Since(began) < time.Second
			if bad && nth == 1 && (id == "last" || strings.HasPrefix(id, "other-") && id[len(id)-1]%2 == 0) {
				return unavailable
			}
			return nil
		}}, 0, func(c *Config) { c.MaxAttempts = 1 })
		defer d.stop()
		stop := d.traffic(10 * time.Millisecond)
		time.Sleep(time.Second - 15*time.Millisecond)
		if o := d.decide(newEvent("last")); o.Reason != events.Accepted {
			t.Errorf("%+v", o)
		}
		for _, reason := range stop() {
			if reason != events.Accepted {
				t.Errorf("%s", reason)
			}
		}
	})
}
