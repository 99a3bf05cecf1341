package retrier

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/mpcclient"
)

// backlog answers events of a number of tasks until ctx ends, and counts those that were
// given up after their call.
func (d *harness) backlog(ctx, owned context.Context, n int) (wait func() (givenUp int64)) {
	var all sync.WaitGroup
	var givenUp atomic.Int64
	for i := range n {
		ev := newEvent(fmt.Sprint("backlog-", i))
		l := &lease{at: ev.Source.Offset, owned: owned}
		ev.Lease = l
		all.Go(func() {
			answer, err := d.Answer(ctx, ev)
			switch {
			case err == nil:
				answer.Acknowledged()
			case l.calledAndOpen():
				givenUp.Add(1)
			}
		})
	}
	return func() int64 {
		all.Wait()
		return givenUp.Load()
	}
}

// A refused task waits for a state query. Behind all calls of a long backlog it would wait
// so long that a stop makes the next owner call again.
func TestRefusalsOfABacklogAreExplainedBeforeAStopIsOver(t *testing.T) {
	for _, quota := range []int{100, 33, 12} {
		t.Run(fmt.Sprint(quota), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const takes, drain = 100 * time.Millisecond, 15 * time.Second
				d := newHarness(t, &api{
					retry: func(context.Context, string, int) error { time.Sleep(takes); return ambiguous },
					query: func(ids []string) (map[string]mpcclient.Task, error) {
						time.Sleep(takes)
						return tasksIn(mpcclient.StatusFailed, ids...), nil
					},
				}, quota, nil)
				defer d.stop()
				working, stop := context.WithCancelCause(context.Background())
				owned, end := context.WithCancelCause(context.Background())
				wait := d.backlog(working, owned, 500)
				time.Sleep(20 * time.Minute)
				calls, queries := d.api.called(), d.api.asked()
				stop(errStopped)
				time.Sleep(drain)
				end(errors.New("the drain is over"))
				if n := wait(); n > 0 {
					t.Errorf("%d events were given up after their call", n)
				}
				if queries*9 > calls*2 { // ten tasks a query, except for the last ones
					t.Errorf("%d queries for %d calls", queries, calls)
				}
			})
		})
	}
}

func TestACallInDoubtIsAskedAboutBeforeABacklogIsCalled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{query: states["PROCESSING"]}, 100, nil)
		defer d.stop()
		ctx, cancel := context.WithCancelCause(context.Background())
		wait := d.backlog(ctx, ctx, 1000)
		time.Sleep(time.Minute)
		began := time.Now()
		ev := newEvent("in doubt")
		ev.Lease = &lease{at: ev.Source.Offset, doubt: true, since: began}
		d.decide(ev)
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("took %v", took)
		}
		cancel(errStopped)
		wait()
	})
}
