package pace

import (
	"context"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/internal/clock"
)

func served() (Result, time.Duration) { return Served, 0 }

func TestRequestsAreSpacedEvenlyWithoutBursts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := owner(t, 600, 64)
		const interval = time.Minute * 100 / (600 * 95)
		time.Sleep(10 * time.Minute) // turns are not saved up meanwhile
		var last time.Time
		for i := range 100 {
			sent, err := g.request(t.Context(), served)
			if err != nil {
				t.Fatal(err)
			}
			// The second may come up to 100 ms early: the gate cannot tell an idle period
			// from a late timer.
			if apart := sent.Sub(last); i > 1 && apart < interval-time.Microsecond {
				t.Fatalf("request %d left %v after the one before, want %v", i, apart, interval)
			}
			last = sent
		}
	})
}

func TestLateTimersCostNoQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		r := quota{perWindow: 600, window: time.Minute}
		r.assign(start, Assignment{Partitions: []int{0}, TopicPartitions: 1})
		now, n := start, 0
		for ; now.Sub(start) < time.Minute; n++ {
			now = now.Add(max(0, r.wait(now)) + 20*time.Millisecond)
			r.take(now)
		}
		if n < 565 {
			t.Errorf("%d requests in a minute with timers that are 20 ms late, want 570", n)
		}
	})
}

func TestNewOwnerWaitsBeforeItsFirstRequest(t *testing.T) {
	for name, c := range map[string]struct {
		quota, partitions int
		least, most       time.Duration
	}{
		"the headroom pays for the former owners": {6000, 8, 10 * time.Millisecond, 11 * time.Millisecond},
		"each may have had another owner":         {100, 8, 2 * time.Second, 2100 * time.Millisecond},
		"one request for each partition":          {100, 100, time.Minute, 64 * time.Second},
		"one request in all":                      {1, 1, time.Minute, 64 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, _ := newGate(t, c.quota, 1)
				all := make([]int, c.partitions)
				for i := range all {
					all[i] = i
				}
				g.Assign(Assignment{Partitions: all, TopicPartitions: len(all)})
				began := time.Now()
				sent, err := g.request(t.Context(), served)
				if took := sent.Sub(began); err != nil || took < c.least || took > c.most {
					t.Errorf("the first request left after %v (%v), want %v to %v", took, err, c.least, c.most)
				}
			})
		})
	}
}

func TestUnlimitedIsLimitedByNothingButMaxInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, log := newGate(t, 0, 32)
		g.Assign(Assignment{Partitions: []int{0}, TopicPartitions: 8})
		if !math.IsInf(g.State().PerMinute, 1) {
			t.Errorf("the rate in force is %v", g.State().PerMinute)
		}
		calls := make(chan struct{}, 100_000)
		stop := g.busy(100, func() (Result, time.Duration) {
			calls <- struct{}{}
			if n := g.State().InFlight; n > 32 {
				t.Errorf("%d in flight", n)
			}
			time.Sleep(10 * time.Millisecond)
			return Served, 0
		})
		time.Sleep(10*time.Second - time.Nanosecond)
		if n := len(calls); n != 32*1000 {
			t.Errorf("%d calls of 10 ms in 10 s with 32 in flight", n)
		}
		stop()
		if len(log.AllEntries()) > 0 {
			t.Errorf("said: %q", log.LastEntry().Message)
		}
	})
}

func TestShareOfNothingIsSaidAndSendsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, log := newGate(t, 2, 1) // partition 0 of 4 has no share
		g.Assign(Assignment{Partitions: []int{0}, TopicPartitions: 4})
		if e := log.LastEntry(); e == nil || !strings.Contains(e.Message, "MPC_REQUESTS_PER_MINUTE") {
			t.Errorf("said: %v", e)
		}
		ctx, cancel := clock.WithTimeout(t.Context(), clock.System, 24*time.Hour)
		defer cancel()
		if sent, err := g.request(ctx, served); err == nil {
			t.Errorf("sent at %v", sent)
		}

		// A waiting request profits from a better share at once.
		got := make(chan time.Time, 1)
		go func() {
			sent, err := g.request(t.Context(), served)
			if err != nil {
				t.Error(err)
			}
			got <- sent
		}()
		synctest.Wait()
		g.Assign(Assignment{Partitions: []int{1, 3}, TopicPartitions: 4})
		began := time.Now()
		if took := (<-got).Sub(began); took > 65*time.Second {
			t.Errorf("the waiting request left %v after there was a share", took)
		}
	})
}

func TestNothingIsSentBeforeTheFirstAssignment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, log := newGate(t, 100, 1)
		ctx, cancel := context.WithTimeout(t.Context(), 24*time.Hour)
		defer cancel()
		if _, err := g.request(ctx, served); err == nil {
			t.Error("a request left without a share")
		}
		g.Assign(Assignment{TopicPartitions: 4})
		if len(log.AllEntries()) > 0 {
			t.Errorf("owning nothing was taken for a share that is too small: %q", log.LastEntry().Message)
		}
	})
}

func TestMissingConfigurationIsRefused(t *testing.T) {
	good := Config{PerWindow: 1, Window: time.Minute, MaxInFlight: 1, Clock: clock.System, Logger: nullLogger()}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Config){
		"PerWindow":   func(c *Config) { c.PerWindow = -1 },
		"Window":      func(c *Config) { c.Window = 0 },
		"MaxInFlight": func(c *Config) { c.MaxInFlight = 0 },
		"Clock":       func(c *Config) { c.Clock = nil },
		"Logger":      func(c *Config) { c.Logger = nil },
	} {
		bad := good
		spoil(&bad)
		if _, err := New(bad); err == nil {
			t.Errorf("%s: not refused", name)
		}
	}
}
