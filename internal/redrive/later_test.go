package redrive_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/redrive"
)

// slowToJoin has something happen between a run's look at the topic and its place
// in the group.
type slowToJoin struct {
	redrive.Log
	meanwhile func()
}

func (l *slowToJoin) Join(ctx context.Context) (consumer.Generation, error) {
	if f := l.meanwhile; f != nil {
		l.meanwhile = nil
		f()
	}
	return l.Log.Join(ctx)
}

// A run that began later has come further than this one will go: that is no topic
// created anew.
func TestWhatARunThatBeganLaterDidIsNotDoneAgain(t *testing.T) {
	for name, filter := range map[string]redrive.Filter{"all": {}, "filtered": {Reason: "no_task_id"}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(w *world) {
				w.many(0, 5)
				e := &ear{}
				totals, err := w.run(context.Background(), e, func(c *redrive.Config) {
					c.Filter = filter
					c.Log = &slowToJoin{Log: c.Log, meanwhile: func() {
						w.many(0, 3)
						w.must(func(c *redrive.Config) { c.Filter = filter })
					}}
				})
				if err != nil || totals.Redriven != 0 || totals.Read > totals.Of || len(e.trouble) != 0 {
					t.Errorf("%+v, %v, %q", totals, err, e.trouble)
				}
				both := append(numbers(5), numbers(3)...)
				slices.Sort(both)
				w.want(both)
			})
		})
	}
}

// What was lost in waiting for the group must not come as a burst.
func TestTheRateIsKeptAfterALongWait(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.many(0, 50)
		var began time.Time
		w.must(func(c *redrive.Config) {
			c.Rate = 10
			c.Log = &slowToJoin{Log: c.Log, meanwhile: func() { time.Sleep(time.Minute); began = time.Now() }}
		})
		if took := time.Since(began); took < 4*time.Second {
			t.Errorf("50 records at 10 a second took %v", took)
		}
	})
}
