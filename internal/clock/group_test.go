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
