package consumer_test

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/simulation/memlog"
)

// listener records the calls it gets.
type listener struct {
	wait time.Duration // how long Assigned takes

	mu       sync.Mutex
	assigned []consumer.Assignment
	opened   []opening
	low      map[int]int64
}

type opening struct {
	partition int
	end       int64
	continued bool
}

func (l *listener) Assigned(ctx context.Context, a consumer.Assignment) error {
	l.mu.Lock()
	l.assigned = append(l.assigned, a)
	l.mu.Unlock()
	select {
	case <-time.After(l.wait):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (l *listener) Opened(partition int, end, _ int64, continued bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.opened = append(l.opened, opening{partition, end, continued})
}

func (l *listener) Published(string, int, int64, []*consumer.Record) {}

func (l *listener) Committed(partition int, low int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.low[partition] = low
}

// last returns the latest assignment.
func (l *listener) last() consumer.Assignment {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.assigned[len(l.assigned)-1]
}

func (l *listener) openings() []opening {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.opened)
}

func TestNoRecordIsHandedOutBeforeTheListenerHasCaughtUp(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		w.append(0, 3)
		a := w.start("a", nil, func(c *consumer.Config) { c.Listener.(*listener).wait = time.Minute })
		time.Sleep(59 * time.Second)
		if n := len(w.calls()); n != 0 || a.c.Status().Joined || len(a.listener.openings()) != 0 {
			t.Errorf("%d calls, the status is %+v", n, a.c.Status())
		}
		if got := a.listener.last(); !slices.Equal(got.Partitions, []int{0, 1}) || got.TopicPartitions != 2 {
			t.Errorf("assigned %+v", got)
		}
		time.Sleep(10 * time.Second)
		a.stop()
		w.wantOnce()
		if got := a.listener.low; got[0] != 3 || got[1] != 0 {
			t.Errorf("told of the commits %v", got)
		}
	})
}

func TestARebalanceIsNotHeldUpByAListenerThatCatchesUp(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		w.append(1, 3)
		a := w.start("a", nil, func(c *consumer.Config) { c.Listener.(*listener).wait = 8 * time.Second })
		time.Sleep(5 * time.Second)
		b := w.start("b", nil)
		time.Sleep(2 * time.Second)
		w.wantOnce() // by b, which got the partition
		if got := a.listener.last().Partitions; !slices.Equal(got, []int{0}) {
			t.Errorf("the other one was assigned %v", got)
		}
		a.stop()
		b.stop()
	})
}

func TestWhatIsReadAnewIsNotContinued(t *testing.T) {
	for name, c := range map[string]struct {
		at   *consumer.Position
		want []opening
	}{
		"nothing committed":  {nil, []opening{{0, 5, false}}},
		"committed":          {&consumer.Position{Offset: 2, Metadata: consumer.CommitMetadata{}.Encode(2)}, []opening{{0, 5, true}}},
		"reset by hand":      {&consumer.Position{Offset: 2}, []opening{{0, 5, true}}},
		"of a longer log":    {&consumer.Position{Offset: 9, Metadata: consumer.CommitMetadata{}.Encode(9)}, []opening{{0, 5, false}}},
		"done in a longer":   {&consumer.Position{Metadata: consumer.CommitMetadata{Done: []consumer.Interval{{From: 6, To: 8}}}.Encode(0)}, []opening{{0, 5, false}}},
		"longer, foreign":    {&consumer.Position{Offset: 9}, []opening{{0, 5, false}}},
		"exactly at the end": {&consumer.Position{Offset: 5}, []opening{{0, 5, true}}},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(w *world) {
				w.append(0, 5)
				if c.at != nil {
					w.broker.Commit(0, *c.at)
				}
				a := w.start("a", nil)
				time.Sleep(3 * time.Second)
				a.stop()
				if got := a.listener.openings(); !slices.Equal(got, c.want) {
					t.Errorf("told %+v", got)
				}
			})
		})
	}
}

// Each member that detects a truncated log gives it up only once, even while no commit for
// the new log succeeds.
func TestALogCutBelowTheCommitEndsFewGenerations(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		w.append(0, 3)
		w.append(1, 3)
		for p := range 2 {
			w.broker.Commit(p, consumer.Position{Offset: 9, Metadata: consumer.CommitMetadata{Since: time.Now()}.Encode(9)})
		}
		var members []*instance
		for _, name := range []string{"a", "b", "c"} {
			members = append(members, w.start(name, nil, with(failing(memlog.Commit, consumer.ErrCommitRefused))))
		}
		time.Sleep(time.Minute)
		for _, m := range members {
			if n := m.c.Status().Generations; n > 8 {
				t.Errorf("%d generations", n)
			}
			for _, o := range m.listener.openings() {
				if o.continued {
					t.Errorf("%+v", o)
				}
			}
			m.member.SetFault(nil)
		}
		time.Sleep(5 * time.Second)
		w.wantOnce()
		for _, m := range members {
			m.stop()
		}
	})
}
