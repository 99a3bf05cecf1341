package consumer_test

import (
	"context"
	"testing"
	"time"

	"remux-retrier/consumer"
)

// stuckHandler answers nothing until its work ends.
func stuckHandler(ctx context.Context, _ *consumer.Delivery) error {
	<-ctx.Done()
	return ctx.Err()
}

func TestTheLagIsKnownWhileTheLookAheadIsFull(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		w.append(0, 9000) // more than are held
		a := w.start("a", stuckHandler)
		time.Sleep(10 * time.Second)
		w.append(0, 1000)
		time.Sleep(10 * time.Second)
		s := a.c.Status()
		if len(s.Partitions) != 1 || s.Partitions[0].End != 10_000 || s.Partitions[0].Committed != 0 || s.Partitions[0].Unanswered >= 9000 || s.Partitions[0].Next != int64(s.Partitions[0].Unanswered) {
			t.Errorf("%+v", s)
		}
		a.stop()
	})
}

// The call high-water mark is raised beyond the log's end. Events appended after a crash
// cannot have been called before it.
func TestEventsThatComeAfterACrashAreNotInDoubt(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		a := w.start("a", w.caller(time.Millisecond))
		time.Sleep(3 * time.Second)
		for range 50 { // the high-water mark runs ahead of these
			w.append(0, 10)
			time.Sleep(50 * time.Millisecond)
		}
		time.Sleep(2 * time.Second)
		a.crash()
		b := w.start("b", nil)
		time.Sleep(20 * time.Second) // the session of a has run out
		w.append(0, 5)
		time.Sleep(3 * time.Second)
		if n := w.doubts(); n != 0 {
			t.Errorf("%d events are in doubt, though no owner can have called them", n)
		}
		b.stop()
		w.wantOnce()
	})
}
