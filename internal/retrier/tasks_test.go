package retrier

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/internal/clock"
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
		d := open(t, a, 0, nil)
		defer d.stop()
		var all sync.WaitGroup
		for i := range 500 {
			all.Go(func() {
				time.Sleep(time.Duration(roll(2000)) * time.Millisecond)
				if roll(5) == 0 { // some give up at any moment
					ctx, cancel := contextFor(time.Duration(roll(3000)) * time.Millisecond)
					defer cancel()
					if answer, err := d.Answer(ctx, event(fmt.Sprint(i%7))); err == nil {
						answer.Acknowledged()
					}
					return
				}
				d.decide(event(fmt.Sprint(i % 7)))
			})
		}
		all.Wait()
		if len(a.twice) > 0 {
			t.Errorf("called twice at once: %v", a.twice)
		}
		if len(d.tasks.queues) > 0 {
			t.Errorf("%d tasks are still held in memory", len(d.tasks.queues))
		}
		if !takes(d.open, 2*64) {
			t.Error("a place among the called was lost")
		}
	})
}

// The same without virtual time, so that the race detector sees real threads.
func TestTurnstileLetsOneInAtATime(t *testing.T) {
	tasks := newTasks(clock.System)
	var inside [3]int
	var all sync.WaitGroup
	for i := range 300 {
		all.Go(func() {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			if i%4 == 0 {
				go cancel()
			}
			place := tasks.queue(fmt.Sprint(i % 3))
			if place.wait(ctx) != nil {
				return
			}
			inside[i%3]++ // a race, if two are inside
			if inside[i%3] != 1 {
				t.Errorf("%d inside", inside[i%3])
			}
			inside[i%3]--
			place.leave()
		})
	}
	all.Wait()
	if len(tasks.queues) > 0 {
		t.Errorf("%d tasks are still held in memory", len(tasks.queues))
	}
}

func TestTwinsAreLetInInTheOrderInWhichTheyWereQueued(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tasks := newTasks(clock.System)
		first := tasks.queue("1")
		if err := first.wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		var order []int
		var all sync.WaitGroup
		for i := range 10 {
			place := tasks.queue("1")
			all.Go(func() { // in any order
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				if i%3 == 0 { // some give up before their turn
					time.AfterFunc(time.Second, cancel)
				}
				if place.wait(ctx) != nil {
					return
				}
				order = append(order, i)
				place.leave()
			})
		}
		time.Sleep(time.Minute)
		first.leave()
		all.Wait()
		if want := []int{1, 2, 4, 5, 7, 8}; !slices.Equal(order, want) || len(tasks.queues) > 0 {
			t.Errorf("let in: %v, want %v; %d tasks are still held in memory", order, want, len(tasks.queues))
		}
	})
}

// takes tells whether so many are let in: none was lost.
func takes(s *clock.Semaphore, n int) bool {
	ctx, cancel := contextFor(10 * time.Second)
	defer cancel()
	for range n {
		if s.Acquire(ctx) != nil {
			return false
		}
		defer s.Release()
	}
	return true
}
