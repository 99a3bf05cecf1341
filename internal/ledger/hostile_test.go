package ledger

import (
	"bytes"
	"context"
	"fmt"
	"slices"
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

// forged is a foreign writer's outcome with more covers than Encode would write.
func forged(w *world, task string, offset int64, covers []byte) consumer.Record {
	r := record(w, outcome(task, events.Accepted, event(0, offset), cover(0, 1)))
	const list = `"covers":[`
	at := bytes.Index(r.Value, []byte(list)) + len(list)
	r.Value, r.Time = slices.Concat(r.Value[:at], covers, r.Value[at:]), time.Now()
	return r
}

// coversOf returns n covers in JSON, each for a log of its own, numbered from first.
func coversOf(n, first int) []byte {
	var list bytes.Buffer
	for i := range n {
		fmt.Fprintf(&list, `{"partition":%d,"end_offset":%d,"log":%d},`, i%1000, i+1, first+i)
	}
	return list.Bytes()
}

// A record of one MiB has space for 28,000 covers. 800 such records would exceed a
// container's memory at each start; a few dozen show it.
func TestOutcomesWithThousandsOfForgedCoversTakeLittleMemory(t *testing.T) {
	run(t, func(w *world) {
		const outcomes, covers = 50, 28_000
		w.ends(slices.Repeat([]int64{1 << 20}, 1000)...) // all of it may be believed
		w.follow()
		const each = 100 // have logs of their own
		rest := coversOf(covers-each, 1)
		start, most := heapInUse(), uint64(0)
		for i := range int64(outcomes) {
			r := forged(w, fmt.Sprint(1000+i), i, append(coversOf(each, covers+int(i)*each), rest...))
			w.take(&r, true)
			r = consumer.Record{}
			if i%10 == 9 {
				most = max(most, heapInUse())
			}
		}
		w.expect("kept", w.Status().Decisions, outcomes)
		o, _ := w.Covering("1000", event(0, 0))
		if len(o.Covers) == 0 || len(o.Covers) > events.MaxCovers {
			w.Errorf("%d covers are kept of an outcome", len(o.Covers))
		}
		w.Logf("%d KiB for %d outcomes", (most-start)>>10, outcomes)
		if most > start+4<<20 {
			w.Errorf("%d KiB for %d outcomes", (most-start)>>10, outcomes)
		}
		for i := range int64(2 * maxLogs) {
			w.logs.noteCovers(&events.Outcome{Covers: []events.Cover{{Partition: int(i), End: i + 1, LogID: i}}})
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
