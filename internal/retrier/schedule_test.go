package retrier

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestTwoEventsOfATaskAreNeverInFlightTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		random := rand.New(rand.NewPCG(5, 6))
		roll := func(n int) int {
			mu.Lock()
			defer mu.Unlock()
			return random.IntN(n)
		}
		a := &api{retry: func(context.Context, string, int) error {
			time.Sleep(time.Duration(roll(50)) * time.Millisecond)
			return []error{nil, nil, nil, unavailable, lostAnswer, ambiguous}[roll(6)]
		}}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		var all sync.WaitGroup
		for i := range 500 {
			all.Go(func() {
				time.Sleep(time.Duration(roll(2000)) * time.Millisecond)
				d.decide(newEvent(fmt.Sprint(i % 7)))
			})
		}
		all.Wait()
		if len(a.twice) > 0 {
			t.Errorf("called twice at once: %v", a.twice)
		}
		if !takes(d, 2*64) {
			t.Error("a slot was lost")
		}
		d.schedule.mu.Lock()
		defer d.schedule.mu.Unlock()
		if n := len(d.schedule.tasks); n > 0 {
			t.Errorf("%d tasks are still held in memory", n)
		}
	})
}

// takes reports whether the given number of slots is free: none was lost.
func takes(d *harness, n int) bool {
	time.Sleep(time.Second) // answers are acknowledged
	d.schedule.mu.Lock()
	defer d.schedule.mu.Unlock()
	return d.schedule.freeSlots >= n
}
