package ledger

import (
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// ours decides and publishes outcomes of ours, all on one partition, and returns the first
// one's offset.
func (w *world) ours(outcomes ...events.Outcome) (first int64) {
	w.Helper()
	first = w.log.topics[retried][0].next
	for _, o := range outcomes {
		w.Decided(o)
		w.log.append(retried, 0, record(w, o))
	}
	return first
}

func TestOwnOutcomesAreNeitherFetchedNorDecoded(t *testing.T) {
	run(t, func(w *world) {
		pages := w.log.pages
		o, storm := outcome("1", events.Accepted, event(0, 0), cover(0, 2)), outcome("1", events.Covered, event(0, 1))
		first := w.ours(o, storm)
		w.Published(retried, 0, first, event(0, 0), event(0, 1))
		w.follow()
		w.expect("pages", w.log.pages-pages, 0)
		w.expect("known", []any{w.Answered(event(0, 0)), w.Answered(event(0, 1)), w.Retries("1")}, []any{true, true, 1})

		w.publish(outcome("20", events.Accepted, event(0, 2), cover(0, 3))) // between ours
		first = w.ours(outcome("1", events.Accepted, event(0, 3), cover(0, 4)))
		w.log.topics[retried][0].records[first].Value = []byte("not decoded")
		w.log.topics[retried][0].records[first].Headers = nil
		w.Published(retried, 0, first, event(0, 3))
		w.publish(outcome("20", events.Accepted, event(0, 4), cover(0, 5)))
		w.follow()
		w.expect("others'", []any{w.Answered(event(0, 2)), w.Answered(event(0, 4)), w.Retries("20")}, []any{true, true, 2})
		w.expect("ours", []any{w.Answered(event(0, 3)), w.Retries("1"), w.Status().Unreadable}, []any{true, 2, 0})
		w.expect("what is passed is not kept in mind", len(w.own.published), 0)
	})
}

// Without an acknowledgement it is not known whether outcomes are ours.
func TestOutcomesThatAreNotKnownToBeOursAreReadBack(t *testing.T) {
	run(t, func(w *world) {
		w.ours(outcome("1", events.Accepted, event(0, 0), cover(0, 1)), outcome("1", events.Expired, event(0, 1)))
		w.expect("not read yet", w.Answered(event(0, 1)), false)
		w.follow()
		w.expect("read", []any{w.Answered(event(0, 0)), w.Answered(event(0, 1)), w.Retries("1")}, []any{true, true, 1})
	})
}

// We published for a partition, lost it, and get it back.
func TestOwnOutcomesForAPartitionThatWentAwayAreReadBackWhenItReturns(t *testing.T) {
	run(t, func(w *world) {
		w.catchUp(1)
		first := w.ours(outcome("1", events.Accepted, event(0, 7), cover(0, 8)))
		w.Published(retried, 0, first, event(0, 7)) // the last one of the generation before
		w.catchUp(0, 1)
		w.expect("answered", w.Answered(event(0, 7)), true)

		w.catchUp(1)
		first = w.ours(outcome("1", events.Accepted, event(0, 8), cover(0, 9)))
		w.Published(retried, 0, first, event(0, 8))
		w.follow() // passes it
		w.catchUp(0, 1)
		w.expect("answered, though passed", w.Answered(event(0, 8)), true)
	})
}

func TestAnOwnDecisionIsToldAgainUntilItIsPublished(t *testing.T) {
	run(t, func(w *world) {
		o := outcome("1", events.Rejected, event(0, 4), cover(0, 9))
		first := w.ours(o)
		w.Decided(outcome("1", events.Accepted, event(0, 5), cover(0, 9)))
		again, _ := w.Covering("1", event(0, 4))
		w.expect("its own", []any{again.Reason, again.Source == event(0, 4), again.DecidedAt.Equal(o.DecidedAt), len(again.Covers)}, []any{events.Rejected, true, true, 1})
		w.Published(retried, 0, first, event(0, 4))
		w.expect("published: as the others", w.covering("1", event(0, 4)), events.Accepted)
		time.Sleep(2 * window)
		w.follow()
		w.expect("over", []any{w.covering("1", event(0, 5)), len(w.own.unpublished)}, []any{"", 0})
	})
}

func TestIntervalsOfOwnOutcomesAreMergedAndBounded(t *testing.T) {
	w, at := newOwn(), topicPartition{retried, 0}
	w.add(at, consumer.Interval{From: 10, To: 20})
	w.add(at, consumer.Interval{From: 30, To: 40})
	w.add(at, consumer.Interval{From: 20, To: 25})
	if n := len(w.published[at]); n != 2 {
		t.Errorf("%d intervals", n)
	}
	for offset, want := range map[int64]bool{9: false, 10: true, 24: true, 25: false, 29: false, 30: true, 39: true, 40: false} {
		if got := w.has(at, offset); got != want {
			t.Errorf("%d: %v", offset, got)
		}
	}
	for next, want := range map[int64]int64{5: 5} {
		if got := w.skip(at, next); got != want {
			t.Errorf("from %d to %d, want %d", next, got, want)
		}
	}
	for _, c := range [][2]int64{{12, 25}, {27, 27}, {30, 40}, {41, 41}} {
		if got := w.skip(at, c[0]); got != c[1] {
			t.Errorf("from %d to %d, want %d", c[0], got, c[1])
		}
	}
	for i := range int64(2 * maxOwn) {
		w.add(at, consumer.Interval{From: 100 + 2*i, To: 101 + 2*i})
	}
	if n := len(w.published[at]); n > maxOwn {
		t.Errorf("%d intervals are kept", n)
	}
}
