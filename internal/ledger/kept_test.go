package ledger

import (
	"context"
	"errors"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// assigned catches up with partition 0, committed up to low.
func (w *world) assigned(low int64, since time.Time) {
	w.Helper()
	a := consumer.Assignment{Partitions: []int{0}, TopicPartitions: 4, Committed: map[int]int64{0: low}, Since: since}
	if err := w.CatchUp(w.Context(), a); err != nil {
		w.Fatal(err)
	}
}

// ten publishes the answers to the first ten events of partitions 0 and 1.
func (w *world) ten() {
	w.Helper()
	for offset := range int64(10) {
		w.publish(outcome("1", events.Expired, event(0, offset)), outcome("1", events.Expired, event(1, offset)))
	}
}

func TestARebalanceThatBringsNothingNewReadsNothingAgain(t *testing.T) {
	run(t, func(w *world) {
		w.ten()
		w.follow()
		pages := w.log.pages
		w.assigned(4, time.Now())
		w.expect("pages read", w.log.pages-pages, 0)
		w.expect("kept", w.Status().Answered, 6)
		w.expect("answered", w.Answered(event(0, 4)), true)

		w.publish(outcome("1", events.Expired, event(0, 10)))
		w.assigned(4, time.Now())
		w.expect("pages read of what is new", w.log.pages-pages, 1)
		w.expect("answered meanwhile", w.Answered(event(0, 10)), true)
	})
}

func TestAPartitionThatIsGainedHasItsAnswersReadBack(t *testing.T) {
	run(t, func(w *world) {
		w.ten()
		w.follow()
		w.catchUp(0) // 1 goes, and comes back
		w.publish(outcome("1", events.Expired, event(1, 10)))
		w.follow()
		w.catchUp(0, 1)
		for offset := range int64(11) {
			w.expect("answered", w.Answered(event(1, offset)), true)
		}
		w.expect("the other's are kept", w.Answered(event(0, 3)), true)
	})
}

// An older commit was stored late, or an operator has set the offset back.
func TestAnswersThatWereLetGoAreReadBackWhereThePartitionGoesBack(t *testing.T) {
	run(t, func(w *world) {
		w.ten()
		w.follow()
		w.Committed(0, 8)
		w.assigned(2, time.Now())
		w.expect("answered", w.Answered(event(0, 2)), true)
	})
}

func TestWithoutSinceNothingKeptIsReliedUpon(t *testing.T) {
	before(t, func(w *world) {
		w.ten()
		time.Sleep(2 * window)
		w.publish(outcome("1", events.Expired, event(0, 11)))
		w.assigned(0, time.Now())
		w.expect("older than what was read", w.Answered(event(0, 3)), false)
		w.assigned(0, time.Time{})
		w.expect("all was read", w.Answered(event(0, 3)), true)
	})
}

// The assignment that needed all answers read nothing.
func TestACatchUpThatHasReadNothingIsNotContinued(t *testing.T) {
	before(t, func(w *world) {
		w.ten()
		time.Sleep(2 * window)
		w.publish(outcome("1", events.Expired, event(0, 11)))
		w.log.fail(errors.New("no broker"))
		ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
		defer cancel()
		if err := w.CatchUp(ctx, consumer.Assignment{Partitions: []int{0}, TopicPartitions: 4}); !errors.Is(err, context.DeadlineExceeded) {
			w.Fatal(err)
		}
		w.log.fail(nil)
		w.assigned(0, time.Now())
		w.expect("older than what was read", w.Answered(event(0, 3)), false)
		w.assigned(0, time.Time{})
		w.expect("all was read", w.Answered(event(0, 3)), true)
	})
}

// It has not read all that it needs.
func TestACatchUpThatWasBrokenOffIsFinishedByTheNext(t *testing.T) {
	run(t, func(w *world) {
		w.catchUp(1)
		w.ten()
		w.follow() // those of partition 0 are skipped
		w.log.fail(errors.New("no broker"))
		ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
		defer cancel()
		a := consumer.Assignment{Partitions: []int{0}, TopicPartitions: 4, Since: time.Now()}
		if err := w.CatchUp(ctx, a); !errors.Is(err, context.DeadlineExceeded) {
			w.Fatal(err)
		}
		w.log.fail(nil)
		w.assigned(0, time.Now())
		w.expect("answered", w.Answered(event(0, 3)), true)
	})
}

// A recreated topic is noticed in each assignment; otherwise covers of the former one
// would apply.
func TestATopicThatIsRecreatedTwiceIsNoticedTwice(t *testing.T) {
	run(t, func(w *world) {
		w.ten()
		w.follow()
		for n := range int64(2) {
			w.assigned(0, time.Now())
			w.Decided(outcome("1", events.Accepted, event(0, 3), cover(0, 9)))
			anew := event(0, 3)
			anew.Time = anew.Time.Add(time.Second)
			w.expect("answered", w.Answered(anew), false)
			w.expect("noticed", w.Status().Recreated, n+1)
			w.expect("covered", w.covering("1", event(0, 4)), "")
		}
	})
}
