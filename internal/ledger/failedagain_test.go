package ledger

import (
	"testing"
	"time"

	"remux-retrier/events"
)

// before is the offset of the event that the previous retry answered; -1: none is known.
func (w *world) before(task string, e events.Source) int64 {
	if p, ok := w.RetryBefore(task, e); ok {
		return p.Source.Offset
	}
	return -1
}

func TestARetryThatWasSentBeforeAnEventCameIsKnownByOffsets(t *testing.T) {
	run(t, func(w *world) {
		first := outcome("1", events.Accepted, event(0, 3), cover(0, 5))
		w.publish(first)
		w.follow()
		w.expect("an event that it covers", w.before("1", event(0, 4)), -1)
		w.expect("its own", w.before("1", event(0, 3)), -1)
		w.expect("one that came later", w.before("1", event(0, 5)), 3)
		w.expect("in a partition that it does not tell of", w.before("1", event(1, 9)), -1)
		w.expect("another task's", w.before("2", event(0, 5)), -1)
		p, _ := w.RetryBefore("1", event(0, 5))
		w.expect("decided at", p.DecidedAt, first.DecidedAt)
		w.expect("the event", p.Source, event(0, 3))

		time.Sleep(time.Second)
		w.Decided(outcome("1", events.Rejected, event(0, 5), cover(0, 6)))
		w.expect("after a refusal", w.before("1", event(0, 9)), 3)
		w.Decided(outcome("1", events.Accepted, event(0, 6), cover(0, 8)))
		w.expect("the latest of two", w.before("1", event(0, 8)), 6)
		w.expect("covered by the second", w.before("1", event(0, 7)), 3)
		time.Sleep(window)
		w.follow()
		w.expect("beyond the window", w.before("1", event(0, 8)), -1)
	})
}

// In the log of another topic of the same name, the offsets say nothing.
func TestARetryInAnotherLogWasNotBeforeAnEvent(t *testing.T) {
	run(t, func(w *world) {
		w.Opened(0, 9, 7, true)
		w.publish(outcome("1", events.Accepted, event(0, 3), events.Cover{Partition: 0, End: 5, LogID: 7}))
		w.follow()
		w.expect("in the same log", w.before("1", event(0, 5)), 3)
		w.Opened(0, 9, 8, true)
		w.expect("in a log with another id", w.before("1", event(0, 5)), -1)
		w.Opened(0, 9, 7, false)
		w.expect("in a log that is not continued", w.before("1", event(0, 5)), -1)
	})
}
