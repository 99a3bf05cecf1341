package ledger

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// before runs a test on a ledger that has read nothing yet.
func before(t *testing.T, story func(w *world)) {
	synctest.Test(t, func(t *testing.T) { story(newWorld(t)) })
}

func TestCatchUpReadsAllThatStoodThereAtTheAssignment(t *testing.T) {
	before(t, func(w *world) {
		for offset := range int64(40) {
			w.publish(outcome("task-"+string(rune('a'+offset%6)), events.Accepted, event(0, offset), cover(0, 40)))
		}
		var meanwhile atomic.Int64 // is published without end and not waited for
		w.log.read = func() {
			w.publish(outcome("late", events.Accepted, event(0, 100+meanwhile.Add(1)), cover(0, 200)))
		}
		w.expect("before", w.Answered(event(0, 0)), false)
		w.catchUp(0)
		for offset := range int64(40) {
			w.expect("answered", w.Answered(event(0, offset)), true)
		}
		w.expect("status", w.Status().CaughtUp, true)
	})
}

func TestCatchUpWaitsForAsLongAsItTakes(t *testing.T) {
	before(t, func(w *world) {
		w.publish(outcome("1", events.Accepted, event(0, 0), cover(0, 1)))
		w.log.fail(errors.New("no broker"))
		time.AfterFunc(time.Hour, func() {
			w.expect("while it waits", []any{w.Status().CaughtUp, w.Status().Problem}, []any{false, "cannot read the outcome topics: no broker"})
			w.log.fail(nil)
		})
		began := time.Now()
		if err := w.CatchUp(w.Context(), consumer.Assignment{Partitions: []int{0}, TopicPartitions: 1}); err != nil {
			w.Fatal(err)
		}
		took := time.Since(began)
		if took < time.Hour || took > time.Hour+backoffMax {
			w.Errorf("took %v", took)
		}
		w.expect("answered", w.Answered(event(0, 0)), true)
		w.expect("said when it began and ended", len(w.said.AllEntries()), 2)
	})
}

// A partition that fails in the middle continues from there: otherwise a large ledger on
// bad brokers would never be read.
func TestCatchUpKeepsWhatItHasRead(t *testing.T) {
	before(t, func(w *world) {
		for offset := range int64(300) { // 100 pages
			w.log.append(retried, 0, record(w, outcome("1", events.Accepted, event(0, offset), cover(0, 1))))
		}
		n := 0
		w.log.read = func() {
			n++
			w.log.fail(nil)
			if n%2 == 0 {
				w.log.fail(errors.New("reset"))
				time.AfterFunc(time.Millisecond, func() { w.log.fail(nil) })
			}
		}
		w.catchUp(0)
		w.expect("answered", w.Status().Answered, 300)
		if w.log.pages > 250 {
			w.Errorf("%d pages were read", w.log.pages)
		}
	})
}

func TestCatchUpEndsWithItsContext(t *testing.T) {
	before(t, func(w *world) {
		w.log.fail(errors.New("no broker"))
		ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
		defer cancel()
		if err := w.CatchUp(ctx, consumer.Assignment{}); !errors.Is(err, context.DeadlineExceeded) {
			w.Errorf("got %v", err)
		}
		w.expect("caught up", w.Status().CaughtUp, false)
	})
}

func TestCatchUpReadsTheWindowAndWhatTheAssignmentNeeds(t *testing.T) {
	for name, c := range map[string]struct {
		since    time.Duration // ago; 0: always
		answered int
	}{
		"since the events were answered":  {3 * time.Hour, 2},
		"not later than the window began": {time.Minute, 1},
		"without a committed offset":      {0, 4},
	} {
		t.Run(name, func(t *testing.T) {
			before(t, func(w *world) {
				for i, ago := range []time.Duration{0, 2 * time.Hour, time.Hour, 2 * time.Hour} {
					time.Sleep(ago)
					w.publish(outcome("1", events.Accepted, event(0, int64(i)), cover(0, 1)))
				}
				time.Sleep(window / 2) // they are 5.5, 3.5, 2.5 and 0.5 hours old
				a := consumer.Assignment{Partitions: []int{0}, TopicPartitions: 1}
				if c.since > 0 {
					a.Since = time.Now().Add(-c.since)
				}
				if err := w.CatchUp(w.Context(), a); err != nil {
					w.Fatal(err)
				}
				w.expect("answered", w.Status().Answered, c.answered)
				w.expect("decisions are the window's", w.Status().Decisions, 1)
			})
		})
	}
}

// The former owner's last outcomes are read back for events of partitions that were not
// ours when those outcomes were first read.
func TestNextAssignmentKnowsAnswersThatWereReadBefore(t *testing.T) {
	run(t, func(w *world) {
		w.publish(outcome("1", events.Accepted, event(3, 0), cover(3, 1)))
		w.follow()
		w.expect("not assigned", w.Answered(event(3, 0)), false)
		w.catchUp(3)
		w.expect("assigned", w.Answered(event(3, 0)), true)
		w.expect("kept once", w.Retries("1"), 1)
	})
}

func TestTopicsThatGainPartitionsAreFollowed(t *testing.T) {
	run(t, func(w *world) {
		w.log.mu.Lock()
		w.log.topics[retried] = append(w.log.topics[retried], partition{}, partition{})
		w.log.mu.Unlock()
		w.log.append(retried, 3, record(w, outcome("1", events.Accepted, event(0, 0), cover(0, 1))))
		w.follow()
		w.expect("read", w.Retries("1"), 1)
	})
}

func TestOutcomeTopicThatIsCreatedAnewIsReadFromItsStart(t *testing.T) {
	for name, change := range map[string]func(w *world){
		"as large":   func(w *world) { w.log.set(retried, 2) },
		"smaller":    func(w *world) { w.log.set(retried, 1) },
		"with holes": func(w *world) { w.log.set(retried, 2); w.log.topics[retried][0].next = 1 },
	} {
		for _, again := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				run(t, func(w *world) {
					for offset := range int64(9) {
						w.log.append(retried, 0, record(w, outcome("1", events.Accepted, event(0, offset), cover(0, 1))))
					}
					w.follow()
					change(w)
					w.log.append(retried, 0, record(w, outcome("2", events.Accepted, event(0, 9), cover(0, 1))))
					if again {
						w.catchUp(0)
					} else {
						w.follow()
					}
					w.expect("read", w.Retries("2"), 1)
					w.expect("not forgotten", w.Retries("1"), 9)
					if w.Status().Recreated == 0 {
						w.Error("it was not noticed")
					}
				})
			})
		}
	}
}

func TestOutcomesDeletedBeforeTheyWereReadAreCounted(t *testing.T) {
	run(t, func(w *world) {
		for offset := range int64(5) {
			w.log.append(retried, 0, record(w, outcome("1", events.Accepted, event(0, offset), cover(0, 1))))
		}
		w.log.mu.Lock()
		p := &w.log.topics[retried][0]
		p.first, p.records = 4, p.records[4:]
		w.log.mu.Unlock()
		w.follow()
		w.expect("missed", w.Status().Missed, 4)
		w.expect("the rest", w.Retries("1"), 1)
	})
}

// If a log has become shorter, its old end is not waited for.
func TestLogThatShrinksWhileItIsReadIsNoDeadEnd(t *testing.T) {
	before(t, func(w *world) {
		for offset := range int64(9) {
			w.log.append(retried, 0, record(w, outcome("1", events.Accepted, event(0, offset), cover(0, 1))))
		}
		w.log.read = func() {
			w.log.mu.Lock()
			defer w.log.mu.Unlock()
			p := &w.log.topics[retried][0]
			p.records, p.next = p.records[:3], 3
		}
		w.catchUp(0)
		w.expect("read", w.Retries("1"), 3)
	})
}

func TestFollowingSurvivesAnOutage(t *testing.T) {
	run(t, func(w *world) {
		w.log.fail(errors.New("no broker"))
		w.follow()
		if problem := w.Status().Problem; !strings.Contains(problem, "no broker") {
			w.Errorf("problem %q", problem)
		}
		w.publish(outcome("1", events.Accepted, event(0, 0), cover(0, 1)))
		w.log.fail(nil)
		w.follow()
		w.expect("read", w.Retries("1"), 1)
		w.expect("problem", w.Status().Problem, "")
	})
}

// dense is a log that unpacks five-thousandfold, into records of 16 KB.
type dense struct {
	fakeLog
	fetched, largest atomic.Int64
}

func (d *dense) Span(context.Context, string, int, time.Time) ([]consumer.Interval, error) {
	return []consumer.Interval{{To: 2000}}, nil
}

func (d *dense) Fetch(_ context.Context, _ string, _ int, offset int64, maxBytes int) (consumer.Page, error) {
	const each = 16_000
	n := min(1+5000*int64(maxBytes)/each, 2000-offset)
	page := consumer.Page{Records: make([]consumer.Record, n), Next: offset + n, End: 2000}
	for i := range page.Records {
		page.Records[i] = consumer.Record{Offset: offset + int64(i), Value: make([]byte, each)}
	}
	d.fetched.Add(n)
	d.largest.Store(max(d.largest.Load(), n*each))
	return page, nil
}

func TestOutcomeTopicsThatUnpackAThousandfoldAreReadInSmallBites(t *testing.T) {
	before(t, func(w *world) {
		log := &dense{fakeLog: fakeLog{topics: map[string][]partition{retried: make([]partition, 1), refused: make([]partition, 1)}}}
		w.cfg.Client = log
		w.catchUp(0)
		if log.fetched.Load() != 4000 || log.largest.Load() > 8<<20 {
			w.Errorf("%d records in pages of up to %d MiB", log.fetched.Load(), log.largest.Load()>>20)
		}
	})
}
