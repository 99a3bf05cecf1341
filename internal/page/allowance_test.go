package page

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// Readings use the same brokers and CPU as the work.
func TestHoweverManyAskTheTopicsAreReadATenthOfTheTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const each, clients, minutes = 200 * time.Millisecond, 64, 10
		s := newSource()
		readings := slowly(s, each)
		p := newPage(t, s)
		end := time.Now().Add(minutes * time.Minute)
		var running sync.WaitGroup
		for client := range clients {
			running.Go(func() {
				for n := 0; time.Now().Before(end); n++ {
					get(p, fmt.Sprintf("/api/tasks/%d-%d", client, n))
					time.Sleep(time.Millisecond)
				}
			})
		}
		running.Wait()
		spent := time.Duration(readings.Load()) * each
		if most := readingBurst + minutes*time.Minute/readingShare + 5*time.Second; spent > most || spent < most/2 {
			t.Errorf("%v of %d minutes were spent on reading, %v at most", spent, minutes, most)
		}
	})
}

func TestWhoLooksAtATaskNowAndThenWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSource()
		slowly(s, time.Second)
		p := newPage(t, s)
		for n := range 50 {
			began := time.Now()
			if got := decode[Task](t, get(p, fmt.Sprint("/api/tasks/", n))); got.TopicsState != TopicsRead || time.Since(began) > time.Second {
				t.Errorf("task %d: %s after %v", n, got.TopicsState, time.Since(began))
			}
			time.Sleep(10 * time.Second)
		}
	})
}
