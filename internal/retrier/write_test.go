package retrier

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The goroutine of a task writes its outcome. A write may take minutes while Kafka is away.
func TestAnOutcomeIsWrittenAtOnceAndHoldsUpNothing(t *testing.T) {
	const takes = time.Minute // a write, and each call but the first
	for _, c := range []struct {
		name  string
		tasks []string // of the events
	}{
		{"then nothing is left to do", []string{"1"}},
		{"then the task's next event is called for", []string{"1", "1", "1"}},
		{"then another task is called", []string{"1", "2", "3"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				a := &api{}
				a.retry = func(context.Context, string, int) error {
					if a.called() > 1 {
						time.Sleep(takes)
					}
					return nil
				}
				d := newHarness(t, a, 0, func(cfg *Config) { cfg.MaxInFlight = 1 })
				defer d.stop()
				begun := time.Now()
				var mu sync.Mutex
				var written, want []time.Duration
				var all sync.WaitGroup
				for i, id := range c.tasks {
					ev := newEvent(id)
					ev.Lease.(*lease).write = func() {
						mu.Lock()
						written = append(written, time.Since(begun))
						mu.Unlock()
						time.Sleep(takes)
					}
					all.Go(func() { d.decide(ev) })
					synctest.Wait() // they come in this order
					want = append(want, time.Duration(i)*takes)
				}
				all.Wait()
				synctest.Wait()
				mu.Lock()
				defer mu.Unlock()
				if !slices.Equal(written, want) {
					t.Errorf("written after %v, want %v", written, want)
				}
			})
		})
	}
}
