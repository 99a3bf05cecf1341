package ledger

import (
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

const day = 25*time.Hour + 7*time.Minute // beyond any window here

func TestAWallClockThatJumpsForAMomentForgetsNothing(t *testing.T) {
	for name, by := range map[string]time.Duration{"ahead": day, "back": -day} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w *world) {
				w.publish(outcome("1", events.Accepted, event(0, 0), cover(0, 1)))
				w.follow()
				w.clock.step(by)
				during := outcome("1", events.Accepted, event(0, 1), cover(0, 2))
				during.DecidedAt = during.DecidedAt.Add(by)
				w.Decided(during)
				r := record(w, during)
				r.Time = w.clock.Wall()
				w.log.appendAt(retried, 0, r)
				w.follow()
				w.expect("during the jump", []any{w.Retries("1"), w.covering("1", event(0, 0))}, []any{2, events.Accepted})
				time.Sleep(2 * time.Second)
				w.clock.step(0)
				w.follow()
				w.expect("after it", w.covering("1", event(0, 0)), events.Accepted)
				time.Sleep(window)
				w.follow()
				w.expect("the window is over", w.Retries("1"), 0)
			})
		})
	}
}

func TestAStartWithinAJumpSkipsNothingOfTheWindow(t *testing.T) {
	before(t, func(w *world) {
		w.publish(outcome("1", events.Accepted, event(0, 0), cover(0, 1)))
		time.Sleep(window / 2)
		w.publish(outcome("2", events.Accepted, event(0, 1), cover(0, 2)))
		time.Sleep(window / 3)
		w.clock.step(day)
		w.catchUp(0)
		w.expect("during the jump", []any{w.Retries("1"), w.Retries("2")}, []any{1, 1})
		time.Sleep(2 * time.Second)
		w.clock.step(0)
		w.expect("after it", []any{w.Retries("1"), w.Retries("2")}, []any{1, 1})
		time.Sleep(window / 6)
		w.expect("the first is over", []any{w.Retries("1"), w.Retries("2")}, []any{0, 1})
	})
}

func TestAStartWithinAJumpWithoutAnyRecordForgetsNothing(t *testing.T) {
	before(t, func(w *world) {
		w.clock.step(day)
		w.catchUp(0)
		w.Answered(event(0, 0)) // an old one
		w.clock.step(0)
		w.publish(outcome("1", events.Accepted, event(0, 0), cover(0, 1)))
		w.catchUp(0)
		w.expect("after it", w.Retries("1"), 1)
	})
	// A recent event confirms the clock: then a jump back is no correction.
	before(t, func(w *world) {
		w.catchUp(0)
		recent := event(0, 0)
		recent.Time = w.clock.Wall()
		w.Answered(recent)
		w.clock.step(-day)
		w.publish(outcome("1", events.Accepted, event(0, 1), cover(0, 2)))
		w.catchUp(0)
		w.clock.step(0)
		time.Sleep(believeAfter)
		w.expect("after a jump back", w.Retries("1"), 1)
	})
	// Without one it is trusted after it has lasted.
	before(t, func(w *world) {
		w.catchUp(0)
		time.Sleep(believeAfter + time.Second)
		w.Retries("1")
		w.expect("starting", w.timeline.starting, false)
	})
}

// This instance publishes while its clock is ahead, and reads its outcome back: the time of
// that record is the same clock's.
func TestOutcomesOfOurOwnDoNotConfirmAClockThatIsAhead(t *testing.T) {
	before(t, func(w *world) {
		w.publish(outcome("1", events.Accepted, event(0, 0), cover(0, 1)))
		w.clock.step(day)
		w.catchUp(0)
		for i, o := range []events.Outcome{
			outcome("2", events.Accepted, event(0, 1), cover(0, 2)),
			outcome("3", events.NotRetryable, event(0, 2)), // concerns no other event
		} {
			o.DecidedAt = o.DecidedAt.Add(day)
			w.Decided(o)
			r := record(w, o)
			r.Time = w.clock.Wall()
			w.log.appendAt(retried, 0, r)
			w.catchUp(0)
			w.expect("during the jump", w.Retries("1"), 1)
			w.expect("its own", w.Retries("2"), 1)
			if len(w.own.early) != i+1 {
				t.Errorf("%d events were answered early", len(w.own.early))
			}
		}
		w.clock.step(0)
		w.publish(outcome("4", events.Accepted, event(0, 3), cover(0, 4)))
		w.catchUp(0)
		w.expect("after it", []any{w.Retries("1"), w.Retries("2"), w.Retries("4")}, []any{1, 1, 1})
		w.expect("what is passed is not kept in mind", len(w.own.early), 0)
	})
}

// Its age is known to the minute.
func TestADecisionThatIsReadWithinAJumpCountsForItsWholeWindow(t *testing.T) {
	before(t, func(w *world) {
		w.publish(outcome("1", events.Accepted, event(0, 0), cover(0, 1)))
		w.clock.step(day)
		w.catchUp(0)
		w.clock.step(0)
		time.Sleep(window - time.Second)
		w.expect("retries", w.Retries("1"), 1)
		time.Sleep(2 * time.Second)
		w.expect("over", w.Retries("1"), 0)
	})
}

// A generation starts while the clock is ahead: so is the assignment's Since.
func TestSinceFromAClockThatJumpedHidesNoAnswers(t *testing.T) {
	run(t, func(w *world) {
		w.catchUp(1)
		w.publish(outcome("1", events.Expired, event(0, 0)))
		w.follow() // partition 0 is not ours
		time.Sleep(time.Minute)
		w.clock.step(day)
		w.assigned(0, w.clock.Wall())
		w.expect("answered", w.Answered(event(0, 0)), true)
	})
	before(t, func(w *world) { // it was committed then, by another
		w.publish(outcome("1", events.Expired, event(0, 0)))
		time.Sleep(2 * window)
		w.publish(outcome("1", events.Expired, event(0, 9)))
		w.assigned(0, time.Now().Add(day))
		w.expect("answered", w.Answered(event(0, 0)), true)
	})
}

// The machine slept, or its clock was corrected.
func TestAWallClockThatStaysElsewhereIsBelievedAfterSomeMinutes(t *testing.T) {
	run(t, func(w *world) {
		w.publish(outcome("1", events.Accepted, event(0, 0), cover(0, 1)))
		w.follow()
		w.clock.step(day)
		time.Sleep(believeAfter - time.Minute)
		w.follow()
		w.expect("not yet", w.Retries("1"), 1)
		w.clock.step(day + 10*time.Hour) // it does not stay
		time.Sleep(2 * time.Minute)
		w.follow()
		w.expect("nor when it steps on", w.Retries("1"), 1)
		time.Sleep(believeAfter)
		w.follow()
		w.expect("believed", w.Retries("1"), 0)
	})
}

// Nothing was published for days: older records are outside the window. The wall clock can
// only be compared with the newest record.
func TestAfterQuietDaysOldRetriesAreNotCounted(t *testing.T) {
	before(t, func(w *world) {
		w.publish(outcome("1", events.Accepted, event(0, 0), cover(0, 1)))
		time.Sleep(3 * day)
		w.catchUp(0)
		now := event(0, 1)
		now.Time = time.Now()
		w.Answered(now) // its record has been read
		w.expect("retries", w.Retries("1"), 0)
	})
	before(t, func(w *world) {
		w.publish(outcome("1", events.Accepted, event(0, 0), cover(0, 1)))
		time.Sleep(3 * day)
		w.catchUp(0)
		time.Sleep(believeAfter)
		w.expect("retries, whatever comes", w.Retries("1"), 0)
	})
}

func TestTimesThatCannotBeAreNotBelieved(t *testing.T) {
	at := func(w *world, task string, decided, published time.Time) {
		o := outcome(task, events.Accepted, event(0, int64(len(task))), cover(0, 9))
		o.DecidedAt = decided
		r := record(w, o)
		r.Time = published
		w.log.appendAt(retried, 0, r)
	}
	run(t, func(w *world) {
		time.Sleep(10 * window)
		now := time.Now()
		never, future := time.UnixMilli(-1), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)
		at(w, "from-the-future", future, now)
		at(w, "wholly-from-the-future", future, future)
		at(w, "before-Kafka", time.Unix(0, 0), now)
		at(w, "wholly-before-Kafka", time.Unix(0, 0), never)
		at(w, "the-record-has-no-time", now, never)
		w.follow()
		retries := func(task string) int { return w.Retries(task) }
		w.expect("the record's time", []any{retries("from-the-future"), retries("before-Kafka"), retries("the-record-has-no-time")}, []any{1, 1, 1})
		w.expect("now", retries("wholly-from-the-future"), 1)
		w.expect("none", []any{retries("wholly-before-Kafka"), w.Status().Decisions}, []any{0, 4})
		time.Sleep(window + skew)
		w.follow()
		w.expect("over like the others", w.Status().Decisions, 0)
	})
}

// A catch-up for partitions must not leave out what the window needs.
func TestAStartWithinAJumpKnowsWhatThePartitionsNeed(t *testing.T) {
	before(t, func(w *world) {
		for i := range int64(10) {
			w.publish(outcome("1", events.Expired, event(0, i)))
			time.Sleep(time.Minute)
		}
		w.clock.step(day)
		if err := w.CatchUp(w.Context(), consumer.Assignment{Partitions: []int{0}, TopicPartitions: 1, Since: time.Now().Add(-20 * time.Minute)}); err != nil {
			w.Fatal(err)
		}
		w.expect("answered", w.Status().Answered, 10)
	})
}

func TestRecoveriesOfOurOwnDoNotConfirmAClockEither(t *testing.T) {
	runRecovering(t, func(w *world) {
		w.Decided(outcome("1", events.Accepted, event(0, 0), cover(0, 1)))
		if _, ok := w.Recovery("1", event(0, 1)); !ok {
			t.Fatal("no recovery")
		}
		w.expect("answered while the clock is not trusted", []bool{w.own.early[keyOf(event(0, 0))], w.own.early[keyOf(event(0, 1))]}, []bool{true, true})
	})
}
