package consumer_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"remux-retrier/consumer"
)

// lateCommits lets one commit run into its time-out, and arrive after others.
type lateCommits struct {
	consumer.Log
	armed atomic.Bool
}

type lateGeneration struct {
	consumer.Generation
	l *lateCommits
}

func (l *lateCommits) Join(ctx context.Context) (consumer.Generation, error) {
	gen, err := l.Log.Join(ctx)
	if err != nil {
		return nil, err
	}
	return lateGeneration{gen, l}, nil
}

func (g lateGeneration) Commit(ctx context.Context, positions map[int]consumer.Position) error {
	if !g.l.armed.CompareAndSwap(true, false) {
		return g.Generation.Commit(ctx, positions)
	}
	go func() {
		time.Sleep(5 * time.Second)
		_ = g.Generation.Commit(context.Background(), positions)
	}()
	<-ctx.Done()
	return ctx.Err()
}

// A commit that was given up may still sit in a socket. Where it undoes a newer
// one, the mark of calls that have begun since is lost until the next commit.
func TestACommitThatArrivesLateIsMendedWithinASecond(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		l := &lateCommits{}
		a := w.start("a", nil, func(c *consumer.Config) { l.Log = c.Log; c.Log = l })
		w.append(1, 1)
		time.Sleep(5 * time.Second)
		l.armed.Store(true)
		w.append(1, 3)
		time.Sleep(time.Second)
		w.append(1, 30)
		time.Sleep(8 * time.Second)
		if low, mark := w.mark(1); low != 34 || mark.Called < 34 {
			t.Errorf("committed %d, %+v after 34 answers", low, mark)
		}
		a.stop()
	})
}
