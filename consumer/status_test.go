package consumer_test

import (
	"context"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/simulation/memlog"
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

// unreachable is an error that names an unreachable broker as its cause.
type unreachable struct{}

func (unreachable) Error() string           { return "dial tcp b1:9092: connection refused" }
func (u unreachable) Cause() (string, bool) { return u.Error(), true }

// A generation that ended before it started has reached no broker.
func TestABrokerThatStaysAwayIsNotSaidToBeBackBetweenGenerations(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		a := w.start("a", nil, with(failing(memlog.Committed, unreachable{})))
		for range 5 {
			time.Sleep(5 * time.Second)
			w.broker.Rebalance()
		}
		time.Sleep(5 * time.Second)
		if away, back := w.said("a broker cannot be reached"), w.said("the brokers can be reached again"); away != 1 || back != 0 {
			t.Errorf("said %d times that it is away, and %d times that it is back", away, back)
		}
		a.member.SetFault(nil)
		time.Sleep(5 * time.Second)
		if n := w.said("the brokers can be reached again"); n != 1 {
			t.Errorf("its return is said %d times", n)
		}
		a.stop()
	})
}
