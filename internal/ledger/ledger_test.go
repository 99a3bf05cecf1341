package ledger

import (
	"testing"
	"time"

	"remux-retrier/events"
)

func cover(partition int, end int64) events.Cover {
	return events.Cover{Partition: partition, End: end}
}

func TestRetriesOutsideTheWindowAreNotCounted(t *testing.T) {
	run(t, func(w *world) {
		w.publish(outcome("1", events.Accepted, event(0, 0), cover(0, 1)))
		time.Sleep(window / 2)
		w.publish(outcome("1", events.Accepted, event(0, 1), cover(0, 2)))
		w.publish(outcome("1", events.AlreadyRunning, event(0, 2), cover(0, 3)))
		w.follow()
		w.expect("two accepted ones", w.Retries("1"), 2)
		w.expect("another task's", w.Retries("2"), 0)
		time.Sleep(window / 2)
		w.expect("the first is over", w.Retries("1"), 1)
		time.Sleep(window)
		w.follow()
		w.expect("all are over", w.Retries("1"), 0)
		w.expect("and are not kept", w.Status().Decisions, 0)
	})
}

func TestEventThatCameAfterTheCallIsNotCovered(t *testing.T) {
	run(t, func(w *world) {
		w.Decided(outcome("1", events.Accepted, event(0, 3), cover(0, 5), cover(1, 7)))
		for _, c := range []struct {
			e    events.Source
			want events.Reason
		}{
			{event(0, 4), events.Accepted}, {event(0, 5), ""}, {event(1, 6), events.Accepted}, {event(1, 7), ""}, {event(2, 0), ""},
		} {
			w.expect("covering", w.covering("1", c.e), c.want)
			w.expect("another task", w.covering("2", c.e), "")
		}
	})
}

func TestAnAcceptedRetryCoversBeforeALaterRefusal(t *testing.T) {
	run(t, func(w *world) {
		w.Decided(outcome("1", events.Accepted, event(0, 0), cover(0, 5)))
		w.Decided(outcome("1", events.Rejected, event(0, 1), cover(0, 9)))
		w.expect("both cover", w.covering("1", event(0, 4)), events.Accepted)
		w.expect("the refusal alone", w.covering("1", event(0, 8)), events.Rejected)
		o, ok := w.Covering("1", event(0, 1))
		w.expect("its own decision", []any{ok, o.Reason, o.Source == event(0, 1)}, []any{true, events.Rejected, true})
	})
}

func TestAnsweredOffsetOfAnotherTimeIsNotAnswered(t *testing.T) {
	run(t, func(w *world) {
		w.publish(outcome("1", events.Accepted, event(0, 3), cover(0, 5)))
		w.follow()
		w.expect("answered", w.Answered(event(0, 3)), true)
		w.expect("covered", w.covering("1", event(0, 4)), events.Accepted)
		anew := event(0, 3)
		anew.Time = anew.Time.Add(time.Millisecond)
		for range 3 {
			w.expect("another event at its offset", w.Answered(anew), false)
		}
		w.expect("covered by a call for another topic", w.covering("1", event(0, 4)), "")
		w.expect("noticed once", w.Status().Recreated, 1)
		w.expect("the retry still counts", w.Retries("1"), 1)

		o := outcome("2", events.Expired, anew)
		w.publish(o)
		w.follow()
		w.expect("the new one's answer", w.Answered(anew), true)
		w.Decided(outcome("1", events.Accepted, event(0, 6), cover(0, 8)))
		w.expect("covers since then", w.covering("1", event(0, 7)), events.Accepted)
	})
}

func TestPartitionThatEndsBelowAnswersIsAnother(t *testing.T) {
	for name, c := range map[string]struct {
		end       int64
		continued bool
		covered   events.Reason
		recreated int64
	}{
		"as it was":              {9, true, events.Accepted, 0},
		"not continued":          {9, false, "", 0},
		"shorter than answers":   {5, true, "", 1},
		"shorter than its cover": {7, true, "", 1},
	} {
		t.Run(name, func(t *testing.T) {
			run(t, func(w *world) {
				w.publish(outcome("1", events.Accepted, event(0, 6), cover(0, 8), cover(1, 8)))
				w.follow()
				w.Opened(0, c.end, 0, c.continued)
				w.expect("covered", w.covering("1", event(0, 2)), c.covered)
				w.expect("noticed", w.Status().Recreated, c.recreated)
				w.expect("the other partition", w.covering("1", event(1, 2)), events.Accepted)
			})
		})
	}
	run(t, func(w *world) {
		w.publish(outcome("1", events.Expired, event(0, 6)))
		w.follow()
		w.Opened(0, 7, 0, true)
		w.expect("long enough for an answer without a cover", w.Status().Recreated, 0)
		w.Opened(0, 6, 0, true)
		w.expect("too short for it", w.Status().Recreated, 1)
	})
}

// Another instance has noticed the recreated topic and committed its new log id; by now
// the partition is as long as before.
func TestCoverOfAnotherLogDoesNotApplyEvenIfAnotherInstanceNoticedTheChange(t *testing.T) {
	run(t, func(w *world) {
		of := func(log int64) events.Cover { return events.Cover{Partition: 0, End: 8, LogID: log} }
		w.publish(outcome("1", events.Accepted, event(0, 6), of(1)), outcome("2", events.Accepted, event(0, 7), of(2)))
		w.follow()
		w.Opened(0, 9, 2, true)
		w.expect("covered by the former log's", w.covering("1", event(0, 2)), "")
		w.expect("covered", w.covering("2", event(0, 2)), events.Accepted)
	})
}

// By its offset alone it would look like our own unpublished decision.
func TestDecisionAboutAnotherTopicsEventIsNotTheEventsOwn(t *testing.T) {
	run(t, func(w *world) {
		w.Decided(outcome("1", events.Accepted, event(0, 3), cover(0, 4)))
		w.Opened(0, 9, 0, false)
		anew := event(0, 3)
		anew.Time = anew.Time.Add(time.Millisecond)
		w.expect("before its decision", w.covering("1", anew), "")
		w.Decided(outcome("1", events.Rejected, anew, cover(0, 4)))
		w.expect("after it", w.covering("1", anew), events.Rejected)
		w.expect("the former one's", w.covering("1", event(0, 3)), events.Accepted)
	})
}

func TestAnswersBelowTheCommittedOffsetAreLetGo(t *testing.T) {
	run(t, func(w *world) {
		for offset := range int64(10) {
			w.publish(outcome("1", events.Expired, event(0, offset)), outcome("1", events.Expired, event(2, offset)))
		}
		w.follow()
		w.expect("of the assigned partitions", w.Status().Answered, 10)
		w.Committed(0, 4)
		w.expect("kept", w.Status().Answered, 6)
		w.expect("at the offset", w.Answered(event(0, 4)), true)
		w.publish(outcome("1", events.Expired, event(0, 3)))
		w.Committed(0, 9)
		w.follow()
		w.expect("kept", w.Status().Answered, 1)
		w.publish(outcome("1", events.Expired, event(0, 999_999)), outcome("1", events.Expired, event(0, 1_000_000)))
		w.follow()
		w.Committed(0, 1_000_000) // far
		w.expect("kept", w.Status().Answered, 1)
		w.expect("at the offset", w.Answered(event(0, 1_000_000)), true)
	})
}

func TestTooManyDecisionsForgetTheOldest(t *testing.T) {
	run(t, func(w *world) {
		w.max = 3
		for offset := range int64(3000) {
			w.Decided(outcome("1", events.Accepted, event(0, offset), cover(0, offset+1)))
		}
		w.expect("kept", w.Retries("1"), 3)
		w.expect("counted", w.Status().Forgotten, 2997)
		w.expect("said once", len(w.said.AllEntries()), 1)
	})
}
