package simulation

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/goroutines"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

func testSched(seed uint64) *sched { return newSched(chances(seed, 0)) }

// finish runs everything that can run, and unwinds the rest.
func (s *sched) finish(ps ...*process) {
	for s.step(never) {
	}
	for _, p := range ps {
		p.kill()
	}
	s.end()
}

func TestTimePassesOnlyWhenNoRoutineIsRunnable(t *testing.T) {
	s := testSched(1)
	p := s.process("p")
	c := processClock{p: p}
	var seen []time.Duration
	for _, d := range []time.Duration{time.Hour, 0, time.Second, -time.Second, time.Second} {
		c.Go(func() {
			if err := c.Sleep(t.Context(), d); err != nil {
				t.Error(err)
			}
			seen = append(seen, s.now)
		})
	}
	s.finish(p)
	if want := []time.Duration{0, 0, time.Second, time.Second, time.Hour}; !slices.Equal(seen, want) {
		t.Errorf("woke up at %v, want %v", seen, want)
	}
	if s.failed != nil || p.live != 0 {
		t.Errorf("%d live, %v", p.live, s.failed)
	}
}

func TestOneSeedIsOneOrderAndSeedsDiffer(t *testing.T) {
	order := func(seed uint64) string {
		s := testSched(seed)
		p := s.process("p")
		c := processClock{p: p}
		var ran []int
		for i := range 6 {
			c.Go(func() {
				for range 3 {
					ran = append(ran, i)
					_ = c.Sleep(t.Context(), 0)
				}
			})
		}
		s.finish(p)
		return fmt.Sprint(ran)
	}
	orders := map[string]bool{}
	for seed := range uint64(20) {
		first, second := order(seed), order(seed)
		if first != second {
			t.Fatalf("seed %d has two orders: %s and %s", seed, first, second)
		}
		orders[first] = true
	}
	if len(orders) < 15 {
		t.Errorf("20 seeds have only %d orders", len(orders))
	}
}

func TestWaitsEndWithTheirContextOrWhatTheyWaitFor(t *testing.T) {
	s := testSched(1)
	p := s.process("p")
	c := processClock{p: p}
	over := errors.New("over")
	ctx, cancel := context.WithCancelCause(t.Context())
	done := make(chan struct{})
	ended := map[string]error{}
	c.Go(func() { ended["sleep"] = c.Sleep(ctx, time.Hour) })
	c.Go(func() { ended["wait"] = c.Wait(ctx, make(chan struct{})) })
	c.Go(func() { ended["done"] = c.Wait(ctx, done) })
	p.after(time.Second, func() { close(done) })
	p.after(time.Minute, func() { cancel(over) })
	s.finish(p)
	if s.now != time.Minute || !errors.Is(ended["sleep"], over) || !errors.Is(ended["wait"], over) || ended["done"] != nil {
		t.Errorf("after %v: %v", s.now, ended)
	}
}

func TestAKilledProcessDoesNothingMoreAndItsDeferredCallsHaveNoEffect(t *testing.T) {
	s := testSched(1)
	p, world := s.process("p"), s.process("world")
	c := processClock{p: p}
	var reached []string
	c.Go(func() {
		defer func() {
			_ = c.Sleep(context.Background(), 0) // even this wait unwinds
			reached = append(reached, "deferred")
		}()
		var group clock.Group
		group.Go(c, func() { _ = c.Wait(context.Background(), nil) })
		defer group.Wait(c)
		_ = c.Sleep(context.Background(), time.Hour)
		reached = append(reached, "after its death")
	})
	world.after(time.Minute, func() {
		c.Go(func() { reached = append(reached, "never begun") })
		p.kill()
	})
	s.finish(p, world)
	if len(reached) > 0 || s.failed != nil {
		t.Errorf("reached %v, %v", reached, s.failed)
	}
}

func TestPausedProcessStandsStillAndFindsTheTimeGone(t *testing.T) {
	s := testSched(1)
	p, world := s.process("p"), s.process("world")
	c := processClock{p: p}
	var woke time.Duration
	c.Go(func() {
		_ = c.Sleep(t.Context(), time.Second)
		woke = s.now
	})
	world.after(time.Millisecond, func() { p.pause(true) })
	world.after(time.Minute, func() { p.pause(false) })
	s.finish(p, world)
	if woke != time.Minute {
		t.Errorf("woke up after %v", woke)
	}
}

func TestAPanicInAProcessIsReportedAndDoesNotEndTheProgram(t *testing.T) {
	s := testSched(1)
	p := s.process("p")
	p.spawn(func() { panic("a bug") })
	s.finish(p)
	if s.failed == nil {
		t.Error("the panic is not reported")
	}
}
