package consumer_test

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer"
	"remux-retrier/internal/simulation/memlog"
)

func TestRollingRestartsRepeatNothing(t *testing.T) {
	inWorld(t, 8, func(w *world) {
		feeding := make(chan struct{})
		go func() {
			defer close(feeding)
			for i := range 2000 {
				w.append(i%8, 1)
				time.Sleep(10 * time.Millisecond)
			}
		}()
		slow := w.caller(700 * time.Millisecond)
		uneven := func(ctx context.Context, d *consumer.Delivery) error {
			if d.Offset%3 == 0 {
				return slow(ctx, d)
			}
			return w.caller(20*time.Millisecond)(ctx, d)
		}
		a, b := w.start("a", uneven), w.start("b", uneven)
		for range 3 {
			time.Sleep(2 * time.Second)
			a.stop()
			a = w.start("a", uneven)
			time.Sleep(2 * time.Second)
			b.stop()
			b = w.start("b", uneven)
		}
		<-feeding
		time.Sleep(10 * time.Second)
		a.stop()
		b.stop()
		w.wantOnce()
		if n := len(w.calls()); n != 2000 {
			t.Errorf("%d calls for 2000 records", n)
		}
		if n := w.doubts(); n != 0 {
			t.Errorf("%d records were in doubt after clean stops", n)
		}
	})
}

func TestWhatWasAnsweredOutOfOrderIsInherited(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.append(0, 10)
		stuck := func(ctx context.Context, d *consumer.Delivery) error {
			if d.Offset%4 == 0 {
				<-ctx.Done()
				return context.Cause(ctx)
			}
			return publish(d, answer(d))
		}
		a := w.start("a", stuck)
		time.Sleep(3 * time.Second)
		a.stop()
		low, m := w.committed(0)
		if want := []consumer.Interval{{From: 1, To: 4}, {From: 5, To: 8}, {From: 9, To: 10}}; low != 0 || !slices.Equal(m.Done, want) || m.Called != 0 {
			t.Errorf("committed at %d: %+v", low, m)
		}
		a = w.start("a", nil)
		time.Sleep(3 * time.Second)
		a.stop()
		w.wantOnce()
		if low, m = w.committed(0); low != 10 || len(m.Done) != 0 {
			t.Errorf("at the end %d: %+v", low, m)
		}
	})
}

func TestCommitWaitsForTheAcknowledgementOfThePublication(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.append(0, 1)
		a := w.start("a", nil, with(slow(memlog.Produce, 5*time.Second)))
		time.Sleep(4 * time.Second)
		if low, _ := w.committed(0); low != 0 {
			t.Errorf("%d is committed while the answer is being written", low)
		}
		time.Sleep(4 * time.Second)
		if low, _ := w.committed(0); low != 1 {
			t.Errorf("%d is committed after the answer was acknowledged", low)
		}
		a.stop()
	})
}

// The panic would happen again after each restart.
func TestARecordWhoseHandlingPanicsIsHeldAndTheOthersGoOn(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.append(0, 10)
		a := w.start("a", func(_ context.Context, d *consumer.Delivery) error {
			if d.Offset == 4 {
				panic("no such thing")
			}
			return publish(d, answer(d))
		})
		time.Sleep(10 * time.Second)
		if s := a.c.Status(); s.Panics != 1 || s.Partitions[0].Unanswered != 1 || s.Partitions[0].Committed != 4 {
			t.Errorf("%+v", s)
		}
		if n := len(w.broker.Records(out)); n != 9 {
			t.Errorf("%d of the 9 others are answered", n)
		}
		if n := w.logged(logrus.ErrorLevel); n != 1 {
			t.Errorf("%d errors are logged, want the panic", n)
		}
		a.stop()
	})
}

// panicsOnce is a client whose first write panics.
type panicsOnce struct {
	consumer.Client
	panicked *atomic.Bool
}

func (c panicsOnce) Produce(ctx context.Context, topic string, partition int, m []consumer.Message) (int64, error) {
	if !c.panicked.Swap(true) {
		panic("no such thing")
	}
	return c.Client.Produce(ctx, topic, partition, m)
}

// All outcomes of a partition go through one queue, which must not lose its writer.
func TestAfterAWriteThatPanicsTheNextOneIsWritten(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		a := w.start("a", func(_ context.Context, d *consumer.Delivery) error {
			if write := d.Enqueue(func(error) {}, answer(d)); write != nil {
				write()
			}
			return nil
		}, func(cfg *consumer.Config) { cfg.Client = panicsOnce{cfg.Client, &atomic.Bool{}} })
		for range 3 {
			w.append(0, 1)
			time.Sleep(2 * time.Second)
		}
		if s := a.c.Status(); s.Panics != 1 || s.Partitions[0].Unanswered != 1 || s.Partitions[0].Committed != 0 {
			t.Errorf("%+v", s)
		}
		if n := len(w.broker.Records(out)); n != 2 {
			t.Errorf("%d of the 2 others are answered", n)
		}
		a.stop()
	})
}

func TestRebalanceLetsCallsUnderWayEndAndCommitsThem(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		a := w.start("a", w.caller(8*time.Second))
		time.Sleep(2 * time.Second)
		w.append(0, 5)
		w.append(1, 5)
		time.Sleep(2 * time.Second)
		b := w.start("b", nil)
		time.Sleep(20 * time.Second)
		w.wantOnce()
		if n := w.doubts(); n != 0 || len(w.calls()) != 10 {
			t.Errorf("%d calls for 10 records, %d in doubt", len(w.calls()), n)
		}
		a.stop()
		b.stop()
		if _, m := w.committed(1); m.Called != 0 {
			t.Errorf("not clean after the drain: %+v", m)
		}
	})
}

func TestDrainBeyondItsBudgetPublishesNothing(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		a := w.start("a", w.caller(20*time.Second))
		time.Sleep(2 * time.Second)
		w.append(0, 1)
		time.Sleep(2 * time.Second)
		a.stop()
		if n := len(w.broker.Records(out)); n != 0 {
			t.Errorf("%d answers were published after the budget", n)
		}
		if low, m := w.committed(0); low != 0 || m.Called == 0 {
			t.Errorf("committed at %d: %+v, though a call is in doubt", low, m)
		}
	})
}

func TestAfterACrashExactlyTheUnansweredBelowHAreInDoubt(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.append(0, 20)
		half := func(ctx context.Context, d *consumer.Delivery) error {
			if d.Offset%2 == 1 {
				return w.caller(time.Hour)(ctx, d)
			}
			return w.caller(0)(ctx, d)
		}
		w.start("a", half).crashAfter(3 * time.Second)
		low, m := w.committed(0)
		if low != 1 || m.Called < 20 {
			t.Fatalf("committed at %d: %+v", low, m)
		}
		w.append(0, int(m.Called)) // well above the call high-water mark
		b := w.start("b", nil)
		time.Sleep(20 * time.Second)
		b.stop()
		w.wantOnce()
		for _, r := range w.broker.Records(topic) {
			want := r.Offset < m.Called && (r.Offset >= 20 || r.Offset%2 == 1)
			if w.doubted[id(r)] != want {
				t.Errorf("%d: in doubt is %v, the call high-water mark is %d", r.Offset, !want, m.Called)
			}
		}
	})
}

// crashAfter lets an instance run for a while and then crashes it. Its handlers sleep in
// calls that never end.
func (i *instance) crashAfter(d time.Duration) {
	time.Sleep(d)
	i.crash()
}
