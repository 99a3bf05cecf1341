package ledger

import (
	"context"
	"strings"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// ends sets the record counts of the failed topic's partitions.
func (w *world) ends(ends ...int64) {
	w.log.set(failed, len(ends))
	for p, end := range ends {
		w.log.topics[failed][p].next = end
	}
}

// A hostile writer on an outcome topic can answer existing events, but no future ones.
func TestACoverOfEventsThatHaveNotComeIsNotBelieved(t *testing.T) {
	run(t, func(w *world) {
		w.ends(5, 7)
		w.publish(outcome("1", events.Accepted, event(0, 0), cover(0, 1<<60), cover(1, 7), cover(2, 9)))
		w.follow()
		for _, c := range []struct {
			e    events.Source
			want events.Reason
		}{{event(0, 4), events.Accepted}, {event(0, 5), ""}, {event(1, 6), events.Accepted}, {event(2, 0), ""}} {
			w.expect("covering", w.covering("1", c.e), c.want)
		}
		w.Decided(outcome("2", events.Accepted, event(0, 6), cover(0, 8)))
		w.expect("our own knows better", w.covering("2", event(0, 7)), events.Accepted)
	})
}

func TestWhileTheFailedTopicIsMissingTheOutcomesAreRead(t *testing.T) {
	before(t, func(w *world) {
		w.cfg.Client = noFailedTopic{w.log}
		w.publish(outcome("1", events.Accepted, event(0, 0), cover(0, 9)))
		w.catchUp(0)
		w.expect("read", []any{w.Retries("1"), w.Answered(event(0, 0))}, []any{1, true})
	})
}

type noFailedTopic struct{ *fakeLog }

func (n noFailedTopic) Partitions(ctx context.Context, topic string) (int, error) {
	if topic == failed {
		return 0, consumer.ErrUnknownTopic
	}
	return n.fakeLog.Partitions(ctx, topic)
}

func TestManyForgedCoversTakeNoMoreMemoryThanAFew(t *testing.T) {
	run(t, func(w *world) {
		covers := make([]events.Cover, 28_000)
		for i := range covers {
			covers[i] = events.Cover{Partition: i % 1000, End: int64(i) + 1, LogID: int64(i)}
		}
		start := heap()
		for i := range int64(5) {
			r := record(w, outcome("1"+strings.Repeat("0", int(i)), events.Accepted, event(0, i), covers...))
			r.Time = time.Now()
			w.take(&r, true)
		}
		if grown := int64(heap()) - int64(start); grown > 1<<20 {
			w.Errorf("%d KiB for 5 outcomes", grown>>10)
		}
		for i := range int64(2 * maxLogs) {
			w.logs.covered(&events.Outcome{Covers: []events.Cover{{Partition: int(i), End: i + 1, LogID: i}}})
		}
		if n := len(w.logs.ends); n > maxLogs {
			w.Errorf("%d logs", n)
		}
	})
}

// No record may end the process, which would happen again at each start.
func TestARecordWhoseHandlingPanicsIsCountedAndTheOthersAreRead(t *testing.T) {
	run(t, func(w *world) {
		ends := w.logs.ends
		w.logs.ends = nil // a write to it panics, in the middle of it all
		w.publish(outcome("1", events.Accepted, event(0, 0), cover(0, 9)), outcome("1", events.Rejected, event(0, 1), cover(0, 9)))
		w.follow()
		w.logs.ends = ends
		w.publish(outcome("1", events.Accepted, event(0, 2), cover(0, 9)))
		w.follow()
		w.expect("unreadable", []any{w.Status().Unreadable, len(w.said.AllEntries())}, []any{2, 1})
		w.expect("the answers, and what came later", []any{w.Answered(event(0, 0)), w.Answered(event(0, 1)), w.Retries("1")}, []any{true, true, 1})
	})
}
