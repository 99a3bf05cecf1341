package history_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/history"
	"remux-retrier/internal/simulation/memlog"
)

func TestWhatWaitsIsFoundHoweverLongItHasWaited(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fail(0, `{"task_id":"8"}`)
		w.fail(0, `{"task_id":"7"}`)
		time.Sleep(30 * time.Hour)
		w.committed = map[int]consumer.Position{0: {Offset: 1}}
		h := w.read()
		if kinds(h) != "failure_event(open)" || h.Entries[0].Failure.Skipped || h.Read != 1 || !strings.Contains(h.Summary(), "it is waiting") {
			t.Errorf("%+v: %s", h, h.Summary())
		}
	})
}

// An event stays above the low-water mark as long as an earlier one is unanswered. Its own
// outcome may then be older than the window.
func TestTheAnswerToWhatIsNotCommittedIsFoundHoweverOld(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fail(0, `{"task_id":"8"}`)
		since := time.Now()
		w.answer("7", w.fail(0, `{"task_id":"7"}`), events.Accepted, nil)
		time.Sleep(30 * time.Hour)
		metadata := consumer.CommitMetadata{Called: 1, Since: since, Done: []consumer.Interval{{From: 1, To: 2}}}
		w.committed = map[int]consumer.Position{0: {Offset: 0, Metadata: metadata.Encode(0)}}
		if h := w.read(); kinds(h) != "failure_event outcome(accepted)" {
			t.Error(kinds(h))
		}
	})
}

func TestWhatRetentionTookOfTheBacklogIsNoError(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fail(0, `{"task_id":"8"}`)
		w.fail(0, `{"task_id":"7"}`)
		w.b.Retain("f", 0, 1)
		time.Sleep(30 * time.Hour)
		w.committed = map[int]consumer.Position{0: {Offset: 0}}
		if h := w.read(); kinds(h) != "failure_event(open)" || !h.Complete {
			t.Errorf("%+v", h)
		}
	})
}

func TestWhatTheGroupHasPassedOverIsNotToldToWait(t *testing.T) {
	inWorld(t, func(w *world) {
		w.answer("7", w.fail(0, `{"task_id":"7"}`), events.Accepted, nil)
		time.Sleep(time.Hour)
		w.fail(0, `{"task_id":"7"}`)
		w.fail(1, `{"task_id":"7"}`)
		w.fail(2, `{"task_id":"7"}`)
		// Partition 1 was recreated since the commit; of partition 2 nothing is known.
		w.committed = map[int]consumer.Position{0: {Offset: 2}, 1: {Offset: 9}}
		h := w.read()
		if kinds(h) != "failure_event outcome(accepted) failure_event(open) failure_event(open) failure_event(open)" { //nolint:dupword // no prose
			t.Fatal(kinds(h))
		}
		for i, e := range h.Entries {
			if e.Failure != nil && e.Failure.Skipped != (i == 2) {
				t.Errorf("%+v", e.Failure)
			}
		}
		if text := h.Entries[2].Sentence(); !strings.Contains(text, "KAFKA_START_OFFSET=latest") || !strings.Contains(text, "`remux-retrier retry TASK_ID`") {
			t.Error(text)
		}
	})
}

func TestASummaryDoesNotSayThatWhatWasPassedOverIsWaiting(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fail(0, `{"task_id":"7"}`)
		w.committed = map[int]consumer.Position{0: {Offset: 1}}
		if s := w.read().Summary(); !strings.Contains(s, "will not be answered") || strings.Contains(s, "it is waiting") {
			t.Error(s)
		}
	})
}

// If the positions were read after the topics, an event that is answered and committed in
// between would be below them without an outcome.
func TestWhatIsAnsweredWhileItIsReadIsNotPassedOver(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.fail(0, `{"task_id":"7"}`)
		r := w.reader(func(c *history.Config) {
			c.Positions = func(context.Context) (map[int]consumer.Position, error) {
				w.answer("7", e, events.Accepted, nil)
				return map[int]consumer.Position{0: {Offset: 1}}, nil
			}
		})
		if h, err := r.Task(context.Background(), "7"); err != nil || kinds(h) != "failure_event outcome(accepted)" || h.Entries[0].Failure.Skipped {
			t.Errorf("%+v, %v", h, err)
		}
	})
}

func TestPositionsThatCannotBeHadCostLittleTime(t *testing.T) {
	inWorld(t, func(w *world) {
		w.fail(0, `{"task_id":"7"}`)
		r := w.reader(func(c *history.Config) {
			c.Positions = func(ctx context.Context) (map[int]consumer.Position, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		})
		before := time.Now()
		if h, err := r.Task(context.Background(), "7"); err != nil || kinds(h) != "failure_event(open)" || time.Since(before) > 3*time.Second {
			t.Errorf("after %v: %+v, %v", time.Since(before), h, err)
		}
	})
}

// Both readings end at the caller's deadline. Only in one the brokers do not answer.
func TestSilentBrokersAreToldFromLongTopics(t *testing.T) {
	for page, silent := range map[time.Duration]bool{time.Hour: true, time.Second: false} {
		inWorld(t, func(w *world) {
			w.answer("7", w.fail(0, `{"task_id":"7"}`), events.Accepted, nil)
			for range 100 {
				w.fail(0, `{"task_id":"8","pad":"`+strings.Repeat("p", 50_000)+`"}`)
			}
			w.m.SetFault(func(op memlog.Operation) (time.Duration, error, error) {
				if op == memlog.Fetch {
					return page, nil, nil
				}
				return 0, nil, nil
			})
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second+time.Millisecond)
			defer cancel()
			h, err := w.reader(nil).Task(ctx, "7")
			if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, history.ErrNoAnswer) != silent || h.Complete || h.TaskID != "7" || (h.Read == 0) != silent {
				t.Errorf("pages that take %v: %+v, %v", page, h, err)
			}
		})
	}
}
