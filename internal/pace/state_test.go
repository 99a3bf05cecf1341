package pace

import (
	"context"
	"math"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// results answers one request after another; the last result repeats.
func results(all ...Result) func() (Result, time.Duration) {
	return func() (Result, time.Duration) {
		result := all[0]
		if len(all) > 1 {
			all = all[1:]
		}
		return result, 0
	}
}

// send makes a number of requests, one after another.
func (g *Gate) send(t *testing.T, n int, api func() (Result, time.Duration)) {
	t.Helper()
	for range n {
		if _, err := g.request(t.Context(), api); err != nil {
			t.Fatal(err)
		}
	}
}

// The state must show that MPC throttles, and how much, and not that it is unavailable.
func TestThrottlingIsAStateOfItsOwnAndNoOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		random := rand.New(rand.NewPCG(2, 12))
		api := &limited{limiter: &slidingWindow{limit: 30, window: time.Minute}, rand: random, latency: 60 * time.Millisecond}
		g, log := newGate(t, 100, 64)
		g.Assign(Assignment{Partitions: []int{0}, TopicPartitions: 1})
		if s := g.State(); !s.Throttling.Since.IsZero() {
			t.Errorf("before anything was refused: %+v", s.Throttling)
		}
		began := time.Now()
		stop := g.busy(64, api.call)
		time.Sleep(3 * time.Minute)
		for range 600 {
			time.Sleep(time.Second)
			s := g.State()
			if !s.Available || !s.Down.IsZero() || s.Outages != 0 || !g.Available() {
				t.Fatalf("after %v throttling is taken for an outage: %+v", time.Since(began), s)
			}
			if th := s.Throttling; th.Admitted < 24 || th.Admitted > 40 || th.Of != 100 || th.Since.Before(began) || th.Since.After(began.Add(time.Minute)) {
				t.Fatalf("after %v: %+v", time.Since(began), th)
			}
		}
		stop()
		if n := len(log.AllEntries()); n != 0 {
			t.Errorf("said: %q", log.LastEntry().Message)
		}
		api.limiter = &slidingWindow{limit: 1000, window: time.Minute}
		stop = g.busy(64, api.call)
		time.Sleep(8 * time.Minute)
		stop()
		if s := g.State(); !s.Throttling.Since.IsZero() || math.Abs(s.PerMinute-95) > 0.001 {
			t.Errorf("eight minutes after the limit is gone: %+v", s)
		}
	})
}

func TestWhileEverythingIsRefusedNothingIsSaidToBeAdmitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := owner(t, 100, 8)
		defer g.busy(8, results(Throttled))()
		time.Sleep(10 * time.Minute)
		if s := g.State(); s.Throttling.Admitted != 0 || !s.Available {
			t.Errorf("%+v", s)
		}
		if s := g.State(); s.Ended < 50 || s.Ended > 75 {
			t.Errorf("%d requests in ten minutes of refusals", s.Ended)
		}
	})
}

func TestARefusalForTheQuotaNeitherOpensNorClosesTheBreaker(t *testing.T) {
	for name, c := range map[string]struct {
		results   []Result
		available bool
	}{
		"throttled again and again":          {[]Result{Throttled, Throttled, Throttled, Throttled, Throttled}, true},
		"failures with a refusal in between": {[]Result{Failed, Failed, Throttled, Failed}, false},
		"two failures and refusals":          {[]Result{Failed, Throttled, Throttled, Failed, Throttled}, true},
		"a gateway throttles in an outage":   {[]Result{Failed, Failed, Failed, Throttled, Throttled}, false},
		"a request is served after that":     {[]Result{Failed, Failed, Failed, Throttled, Served}, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := owner(t, 600, 4)
				g.send(t, len(c.results), results(c.results...))
				if g.Available() != c.available {
					t.Errorf("available: %v", g.Available())
				}
			})
		})
	}
}

func TestARefusalForTheQuotaEndsASilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := owner(t, 600, 4)
		g.send(t, 1, func() (Result, time.Duration) {
			time.Sleep(5 * time.Second)
			if g.Available() {
				t.Error("the silence was not noticed")
			}
			return Throttled, 0
		})
		if !g.Available() {
			t.Error("an answer came, and the API is said to be silent")
		}
	})
}

// One event that always fails must not delay one that has just arrived: neither for the
// turns of all that failed before, nor for the ten seconds of a long outage.
func TestANewlyComeEventIsTheNextProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := owner(t, 0, 64)
		defer g.busy(30, results(Failed))()
		time.Sleep(time.Hour)
		permit, err := g.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer permit.Release()
		came := time.Now()
		if err := permit.WaitNew(t.Context(), came); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(came); took > time.Second {
			t.Errorf("it was the probe after %v", took)
		}
		permit.Done(Failed, 0)
		// Having failed, it is one of many; so is what arrived before the outage.
		for name, wait := range map[string]func(context.Context) error{
			"failed":                 permit.Wait,
			"came before the outage": func(ctx context.Context) error { return permit.WaitNew(ctx, came.Add(-2*time.Hour)) },
		} {
			began := time.Now()
			if err := wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took < 4*time.Minute {
				t.Errorf("%s: the probe again after %v, before others", name, took)
			}
			permit.Done(Failed, 0)
		}
	})
}

// However many arrive, and however long the outage, one probe a second is sent.
func TestNewlyComeEventsAreProbesOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := owner(t, 0, 64)
		g.send(t, 3, results(Failed))
		time.Sleep(time.Hour)
		var sent []time.Time
		for range 20 {
			permit, err := g.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := permit.WaitNew(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
			sent = append(sent, time.Now())
			permit.Done(Failed, 0)
			permit.Release()
		}
		for i := 1; i < len(sent); i++ {
			if apart := sent[i].Sub(sent[i-1]); apart != time.Second {
				t.Errorf("two probes %v apart", apart)
			}
		}
	})
}

func TestAThrottledRequestKeepsItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &line{g: owner(t, 60, 8)}
		permit, err := l.g.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer permit.Release()
		if err := permit.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		for range 4 {
			l.stand(t)
		}
		for _, result := range []Result{Throttled, Throttled, Served} {
			if len(l.order) > 0 {
				t.Fatalf("%d of the others went before it", len(l.order))
			}
			permit.Done(result, 0)
			if err := permit.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		permit.Cancel()
		if len(l.order) != 4 {
			t.Errorf("%d of four others went before it, once it was served", len(l.order))
		}
		l.all.Wait()
	})
}
