package consumer_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/simulation/memlog"
)

func TestAStaleMemberStartsNoCallAndPublishesNothing(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		var refused, published atomic.Int32
		release := make(chan struct{})
		a := w.start("a", func(ctx context.Context, d *consumer.Delivery) error {
			if err := d.BeforeCall(ctx); err != nil {
				return err
			}
			<-release
			if !d.MayCall() {
				refused.Add(1)
			}
			err := publish(d, answer(d))
			if err == nil {
				published.Add(1)
			}
			return err
		})
		w.append(0, 3)
		time.Sleep(3 * time.Second)
		a.member.SetHung(true)
		time.Sleep(4 * time.Second)
		b := w.start("b", nil)
		time.Sleep(2 * time.Second) // the last commit is older than half of the session timeout
		close(release)
		time.Sleep(20 * time.Second)
		w.wantOnce() // by b
		if refused.Load() != 3 || published.Load() != 0 {
			t.Errorf("%d of 3 calls were refused, %d answers published by the stale member", refused.Load(), published.Load())
		}
		a.member.SetHung(false)
		time.Sleep(20 * time.Second)
		w.wantOnce()
		if published.Load() != 0 {
			t.Errorf("%d answers of the stale member were published when it woke up", published.Load())
		}
		a.stop()
		b.stop()
	})
}

func TestACallWaitsUntilTheCommitThatCoversItIsAcknowledged(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.append(0, 5)
		a := w.start("a", func(ctx context.Context, d *consumer.Delivery) error {
			if err := d.BeforeCall(ctx); err != nil {
				return err
			}
			if at, ok := w.broker.Position(0); !ok {
				t.Error("a call began before anything was committed")
			} else if m, _ := consumer.ParseCommitMetadata(at.Metadata, at.Offset); d.Offset >= m.Called {
				t.Errorf("the call for %d began behind %q", d.Offset, at.Metadata)
			}
			return publish(d, answer(d))
		})
		for range 100 {
			time.Sleep(50 * time.Millisecond)
			w.append(0, 3)
		}
		time.Sleep(3 * time.Second)
		a.stop()
		w.wantOnce()
		if _, m := w.committed(0); m.Called != 0 {
			t.Errorf("not clean at the end: %+v", m)
		}
	})
}

func TestNoCallBeginsWhileCommitsFail(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		a := w.start("a", nil)
		time.Sleep(3 * time.Second)
		a.member.SetFault(failing(memlog.Commit, memlog.ErrUnreachable))
		time.Sleep(6 * time.Second)
		w.append(0, 3)
		time.Sleep(time.Minute)
		if n := len(w.calls()); n != 0 {
			t.Errorf("%d calls began", n)
		}
		a.member.SetFault(nil)
		time.Sleep(3 * time.Second)
		a.stop()
		w.wantOnce()
	})
}

func TestACommitWhoseAnswerWasLostIsNoSignOfLife(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		a := w.start("a", nil)
		a.member.SetFault(func(op memlog.Operation) (time.Duration, error, error) {
			if op == memlog.Commit {
				return 0, nil, memlog.ErrUnreachable
			}
			return 0, nil, nil
		})
		w.append(0, 3)
		time.Sleep(10 * time.Second)
		if n := len(w.calls()); n != 0 {
			t.Errorf("%d calls began", n)
		}
		a.stop()
	})
}

func TestInheritedDoubtIsKeptWhileAnEventIsNotSettled(t *testing.T) {
	for name, h := range map[string]struct {
		handle handler
		clean  bool
	}{
		"given up": {func(ctx context.Context, _ *consumer.Delivery) error { <-ctx.Done(); return ctx.Err() }, false},
		"settled and given up": {func(ctx context.Context, d *consumer.Delivery) error {
			d.CallHadNoEffect()
			<-ctx.Done()
			return ctx.Err()
		}, true},
		"answered": {publishing, true},
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(w *world) {
				w.append(0, 3)
				w.broker.Commit(0, consumer.Position{Offset: 1, Metadata: consumer.CommitMetadata{Called: 3}.Encode(1)})
				a := w.start("a", h.handle)
				time.Sleep(3 * time.Second)
				a.stop()
				if _, m := w.committed(0); (m.Called == 0) != h.clean || (!h.clean && m.Called != 3) {
					t.Errorf("%+v", m)
				}
				if n := w.doubts(); n != 2 {
					t.Errorf("%d in doubt, want 2", n)
				}
			})
		})
	}
}

func TestInheritedDoubtIsKeptWhileAnEventWasNotFetched(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.append(0, 3)
		w.broker.Commit(0, consumer.Position{Offset: 0, Metadata: consumer.CommitMetadata{Called: 3}.Encode(0)})
		a := w.start("a", publishing)
		a.member.SetFault(failing(memlog.Fetch, memlog.ErrUnreachable))
		time.Sleep(3 * time.Second)
		a.stop()
		if low, m := w.committed(0); low != 0 || m.Called != 3 {
			t.Errorf("committed at %d: %+v", low, m)
		}
	})
}

func TestACommitOfAnotherProgramPutsOneLookAheadInDoubt(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.append(0, 10_000)
		w.broker.Commit(0, consumer.Position{Offset: 100, Metadata: "reset by hand"})
		a := w.start("a", publishing)
		time.Sleep(10 * time.Second)
		a.stop()
		if n := w.doubts(); n != 2048 || !w.doubted["0/100"] || w.doubted["0/2148"] {
			t.Errorf("%d in doubt", n)
		}
		if n := len(w.answers()); n != 9900 {
			t.Errorf("%d answers, want those from offset 100 on", n)
		}
	})
}

func TestLookAheadIsBoundedOverAllPartitions(t *testing.T) {
	inWorld(t, 4, func(w *world) {
		for p := range 4 {
			w.append(p, 3000)
		}
		var held atomic.Int32
		a := w.start("a", func(ctx context.Context, _ *consumer.Delivery) error {
			held.Add(1)
			<-ctx.Done()
			return ctx.Err()
		})
		time.Sleep(5 * time.Second)
		// 2,048 shared by all partitions, and each may hold a quarter of that in addition.
		if n := held.Load(); n < 2048 || n > 2*2048 {
			t.Errorf("%d events are held", n)
		}
		unanswered := 0
		for _, p := range a.c.Status().Partitions {
			unanswered += p.Unanswered
		}
		if unanswered != int(held.Load()) {
			t.Errorf("the status says %d", unanswered)
		}
		a.stop()
	})
}

// At a steady rate the commits arrive before they are needed, even if most records need no
// call.
func TestAtASteadyRateNoCallWaitsForACommit(t *testing.T) {
	for _, each := range []int64{1, 20} {
		inWorld(t, 1, func(w *world) {
			const start, rate = 3 * time.Second, 50
			began := time.Now()
			var waited atomic.Int64
			a := w.start("a", func(ctx context.Context, d *consumer.Delivery) error {
				if d.Offset%each == 0 {
					asked := time.Now()
					if err := d.BeforeCall(ctx); err != nil {
						return err
					}
					if time.Since(began) > start && time.Since(asked) > 0 {
						waited.Add(1)
					}
				}
				return publish(d, answer(d))
			}, with(slow(memlog.Commit, 100*time.Millisecond)))
			for time.Since(began) < 20*time.Second {
				w.append(0, int(each))
				time.Sleep(time.Second / rate)
			}
			a.stop()
			if n := waited.Load(); n > 0 {
				t.Errorf("one record in %d is called, and %d calls waited for a commit", each, n)
			}
		})
	}
}
