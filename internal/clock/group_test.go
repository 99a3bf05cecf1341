package clock

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestGroupWaitsForAllAndCanBeUsedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		g.Wait(System) // of an empty group: returns at once
		for range 2 {
			began := time.Now()
			for _, d := range []time.Duration{time.Second, time.Minute, time.Hour} {
				g.Go(System, func() { _ = System.Sleep(t.Context(), d) })
			}
			g.Wait(System)
			if took := time.Since(began); took != time.Hour {
				t.Errorf("waited %v", took)
			}
		}
	})
}

// counting counts the goroutines that are started.
type counting struct {
	Clock
	started *int
}

func (c counting) Go(f func()) {
	*c.started++
	c.Clock.Go(f)
}

func TestGoroutinesOfAGroupAreUsedAgainUntilWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		started, ran := 0, 0
		c := counting{System, &started}
		for range 10 {
			g.Go(c, func() { ran++ })
			synctest.Wait()
		}
		if ran != 10 || started != 1 {
			t.Errorf("%d functions ran, in %d goroutines", ran, started)
		}
		g.Wait(c)
		// Later functions run as well, but no goroutine is kept: the bubble could not end.
		g.Go(c, func() { ran++ })
		synctest.Wait()
		if ran != 11 || started != 2 {
			t.Errorf("after Wait: %d functions ran, in %d goroutines", ran, started)
		}
	})
}

func TestGroupKeepsABoundedNumberOfGoroutines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		started := 0
		c := counting{System, &started}
		burst := func(n int) {
			for range n {
				g.Go(c, func() { _ = System.Sleep(t.Context(), time.Second) })
			}
			time.Sleep(2 * time.Second)
		}
		burst(10 * maxKept)
		started = 0
		burst(maxKept)
		if started != 0 {
			t.Errorf("%d goroutines were not kept", started)
		}
		burst(maxKept + 1)
		if started != 1 {
			t.Errorf("more than %d were kept", maxKept)
		}
		g.Wait(c)
	})
}

// Wait comes while functions run and others are kept: all goroutines must end.
func TestGoroutinesThatAreKeptEndWithAWaitThatHasToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var g Group
		for d := range 5 {
			g.Go(System, func() { _ = System.Sleep(t.Context(), time.Duration(d)*time.Second) })
		}
		time.Sleep(2500 * time.Millisecond)
		g.Wait(System)
		synctest.Wait()
		if len(g.kept) != 0 || g.running != 0 {
			t.Errorf("%d are kept, %d run", len(g.kept), g.running)
		}
	})
}

func TestWaitPrefersWhatWasWaitedForToTheEndOfTheContext(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errStopped)
	done := make(chan struct{})
	if err := System.Wait(ctx, done); !errors.Is(err, errStopped) {
		t.Errorf("got %v", err)
	}
	close(done)
	for range 100 {
		if err := System.Wait(ctx, done); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSemaphoreLetsInInOrderAndLosesNoPlaceToWhoGaveUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewSemaphore(System, 1)
		if err := s.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		impatient, cancel := context.WithCancelCause(t.Context())
		var order []int
		var g Group
		for i := range 4 {
			ctx := t.Context()
			if i == 1 {
				ctx = impatient
			}
			g.Go(System, func() {
				if s.Acquire(ctx) == nil {
					order = append(order, i)
					s.Release()
				}
			})
			synctest.Wait()
		}
		cancel(errStopped)
		synctest.Wait()
		s.Release()
		g.Wait(System)
		if len(order) != 3 || order[0] != 0 || order[1] != 2 || order[2] != 3 {
			t.Errorf("let in: %v", order)
		}
		if err := s.Acquire(t.Context()); err != nil {
			t.Error("a slot was lost")
		}
	})
}
