package redrive_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/redrive"
)

// slowToJoin calls a function after a run has read the topic's ends and before it joins the
// group.
type slowToJoin struct {
	redrive.Kafka
	meanwhile func()
}

func (l *slowToJoin) Join(ctx context.Context) (consumer.Generation, error) {
	if f := l.meanwhile; f != nil {
		l.meanwhile = nil
		f()
	}
	return l.Kafka.Join(ctx)
}

// Another run that began later has committed beyond this run's end. That does not mean that
// the topic was recreated.
func TestWhatARunThatBeganLaterDidIsNotDoneAgain(t *testing.T) {
	for name, filter := range map[string]redrive.Filter{"all": {}, "filtered": {Reason: "no_task_id"}} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(w *world) {
				w.many(0, 5)
				e := &recorder{}
				totals, err := w.run(context.Background(), e, func(c *redrive.Config) {
					c.Filter = filter
					c.Kafka = &slowToJoin{Kafka: c.Kafka, meanwhile: func() {
						w.many(0, 3)
						w.must(func(c *redrive.Config) { c.Filter = filter })
					}}
				})
				if err != nil || totals.Redriven != 0 || totals.Read > totals.Of || len(e.problems) != 0 {
					t.Errorf("%+v, %v, %q", totals, err, e.problems)
				}
				both := append(numbers(5), numbers(3)...)
				slices.Sort(both)
				w.want(both)
			})
		})
	}
}

// Nothing waits for this, so it is no problem.
func TestATopicThatWasRecreatedIsReadFromItsStart(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.many(0, 5)
		w.must(nil)
		w.b.Delete(letters)
		w.b.Create(letters, 1)
		w.many(0, 3)
		w.b.Commit(0, consumer.Position{Offset: 5}) // Kafka may keep it
		e := &recorder{}
		totals, err := w.run(context.Background(), e, nil)
		if err != nil || totals.Redriven != 3 || len(e.problems) != 0 || len(e.notices) != 1 || !strings.Contains(e.notices[0], "the topic was recreated") {
			t.Errorf("%+v, %v, problems %q, notices %q", totals, err, e.problems, e.notices)
		}
	})
}

// Time lost by waiting for the group must not cause a burst.
func TestTheRateIsKeptAfterALongWait(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.many(0, 50)
		var began time.Time
		w.must(func(c *redrive.Config) {
			c.Rate = 10
			c.Kafka = &slowToJoin{Kafka: c.Kafka, meanwhile: func() { time.Sleep(time.Minute); began = time.Now() }}
		})
		if took := time.Since(began); took < 4*time.Second {
			t.Errorf("50 records at 10 a second took %v", took)
		}
	})
}
