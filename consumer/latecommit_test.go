package consumer_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/simulation/memlog"
)

// lateCommits holds one commit back, and sends it when the test says so.
type lateCommits struct {
	consumer.Client
	armed  atomic.Bool
	gen    consumer.Generation
	commit map[int]consumer.Position
}

type lateGeneration struct {
	consumer.Generation
	l *lateCommits
}

// late is an option of world.start.
func (l *lateCommits) late(c *consumer.Config) { l.Client, c.Client = c.Client, l }

func (l *lateCommits) Join(ctx context.Context) (consumer.Generation, error) {
	gen, err := l.Client.Join(ctx)
	if err != nil {
		return nil, err
	}
	return lateGeneration{gen, l}, nil
}

func (g lateGeneration) Commit(ctx context.Context, positions map[int]consumer.Position) error {
	if !g.l.armed.CompareAndSwap(true, false) {
		return g.Generation.Commit(ctx, positions)
	}
	g.l.gen, g.l.commit = g.Generation, positions
	<-ctx.Done()
	return context.Cause(ctx)
}

// arrive delivers the commit to the broker now.
func (l *lateCommits) arrive() error {
	return l.gen.Commit(context.Background(), l.commit)
}

// A commit that timed out may still be in a socket. Stored after a newer one, it would hide
// calls that started since from the next owner after a crash.
func TestACommitThatArrivesAfterANewerOneIsRefused(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		l := &lateCommits{}
		a := w.start("a", w.caller(time.Hour), l.late)
		time.Sleep(5 * time.Second)
		l.armed.Store(true)
		time.Sleep(8 * time.Second) // it is sent, and times out after 6 s
		w.append(0, 3)
		time.Sleep(2 * time.Second)
		if n := len(w.calls()); n != 3 {
			t.Fatalf("%d calls are under way, want 3", n)
		}
		if err := l.arrive(); !errors.Is(err, consumer.ErrNotOwner) {
			t.Errorf("the late commit is answered by %v, want ErrNotOwner", err)
		}
		a.crash()
		b := w.start("b", publishing)
		time.Sleep(20 * time.Second)
		b.stop()
		if n := w.doubts(); n != 3 {
			t.Errorf("%d of the 3 calls that the crash cut off are in doubt", n)
		}
	})
}

// The late commit is stored after it timed out and before the next generation. It may
// overwrite commits of the drain, but no high-water mark that a call relied on.
func TestACommitThatArrivesInTheDrainHidesNoCall(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		l := &lateCommits{}
		a := w.start("a", w.caller(time.Hour), l.late)
		time.Sleep(5 * time.Second)
		w.append(0, 3)
		time.Sleep(2 * time.Second)
		l.armed.Store(true)
		time.Sleep(7500 * time.Millisecond)
		w.append(0, 30) // the generation drains: none of these may be called
		time.Sleep(2 * time.Second)
		if err := l.arrive(); err != nil {
			t.Fatalf("the drain of the calls is over: %v", err)
		}
		a.crash()
		if n := len(w.calls()); n != 3 {
			t.Fatalf("%d calls were begun, 3 of them before the commit was given up", n)
		}
		b := w.start("b", publishing)
		time.Sleep(20 * time.Second)
		b.stop()
		for _, call := range w.calls() {
			if !w.doubted[call] {
				t.Errorf("%s was called before the crash, and is not in doubt", call)
			}
		}
	})
}

// A rejection by the broker is an answer: the generation continues.
func TestARefusedCommitIsSentAgainInTheSameGeneration(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		a := w.start("a", nil)
		time.Sleep(3 * time.Second)
		a.member.SetFault(failing(memlog.Commit, consumer.ErrCommitRefused))
		time.Sleep(time.Minute)
		a.member.SetFault(nil)
		w.append(0, 3)
		time.Sleep(3 * time.Second)
		if n := a.c.Status().Generations; n != 1 {
			t.Errorf("%d generations", n)
		}
		a.stop()
		w.wantOnce()
	})
}

// Each rejoin stops the whole group for a while.
func TestUnansweredCommitsDoNotCauseAStormOfRejoins(t *testing.T) {
	for name, fault := range map[string]memlog.Fault{
		"stalled": slow(memlog.Commit, time.Hour),
		"reset":   failing(memlog.Commit, memlog.ErrUnreachable),
	} {
		t.Run(name, func(t *testing.T) {
			inWorld(t, 1, func(w *world) {
				a := w.start("a", nil)
				time.Sleep(3 * time.Second)
				a.member.SetFault(fault)
				w.append(0, 3)
				time.Sleep(10 * time.Minute)
				if n := a.c.Status().Generations; n < 2 || n > 300 {
					t.Errorf("%d generations in ten minutes: want more than one, and seconds between them", n)
				}
				if n := len(w.calls()); n != 0 {
					t.Errorf("%d calls began", n)
				}
				a.member.SetFault(nil)
				time.Sleep(10 * time.Second)
				a.stop()
				w.wantOnce()
			})
		})
	}
}

// A broker may stall for some seconds: that is no reason to rebalance.
func TestACommitThatIsAnsweredLateEndsNoGeneration(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		a := w.start("a", nil)
		time.Sleep(3 * time.Second)
		a.member.SetFault(slow(memlog.Commit, 4*time.Second))
		w.append(0, 3)
		time.Sleep(10 * time.Second)
		a.member.SetFault(nil)
		w.append(0, 3)
		time.Sleep(10 * time.Second)
		if n := a.c.Status().Generations; n != 1 {
			t.Errorf("%d generations", n)
		}
		a.stop()
		w.wantOnce()
	})
}
