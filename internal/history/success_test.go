package history_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/history"
)

// recover publishes a recovery where the service would.
func (w *world) recover(source events.Source, retry events.Source) {
	w.t.Helper()
	r := events.Recovery{
		TaskID: "7", Source: source, Retries: 2, Retry: events.Retry{Source: retry, DecidedAt: time.Now()}, RecoveredAt: source.Time,
		UserData: "asset", Origin: events.OriginOf("g"),
	}
	m, err := r.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	p, err := w.m.PartitionFor(context.Background(), "rec", m.Key)
	if err != nil {
		w.t.Fatal(err)
	}
	w.b.Append("rec", p, consumer.Message{Key: m.Key, Value: m.Value, Headers: m.Headers})
}

func (w *world) readWithRecoveries() history.History {
	w.t.Helper()
	h, err := w.reader(func(c *history.Config) { c.Recovered = "rec" }).Task(context.Background(), "7")
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

func TestATaskThatHasSucceededAfterARetryIsSaidToHave(t *testing.T) {
	inWorld(t, func(w *world) {
		w.b.Create("rec", 3)
		failed := w.fail(0, `{"task_id":"7"}`)
		time.Sleep(time.Second)
		w.answer("7", failed, events.Accepted, func(o *events.Outcome) {
			o.PreviousRetry = &events.Retry{Source: failed, DecidedAt: time.Now()}
		})
		if s := w.readWithRecoveries().Summary(); !strings.Contains(s, "No success has been reported since") {
			t.Errorf("what is missing is not said: %s", s)
		}
		if s := w.read().Summary(); strings.Contains(s, "succeeded since") {
			t.Errorf("who is not told of recoveries misses one: %s", s)
		}
		time.Sleep(time.Minute)
		succeeded := w.fail(0, `{"task_id":"7","status":"SUCCEED"}`)
		time.Sleep(time.Second)
		w.recover(succeeded, failed)
		time.Sleep(time.Second)
		w.recover(w.fail(2, `{"task_id":"7","status":"SUCCEED"}`), failed) // SMN delivered it twice
		h := w.readWithRecoveries()
		if got := kinds(h); got != "failure_event outcome(accepted) recovered recovered" || //nolint:dupword // no prose
			h.Entries[2].Recovery.UserData != "asset" {
			t.Fatalf("%s: %+v", got, h.Entries)
		}
		if s := h.Summary(); !strings.Contains(s, "succeeded after 2 retries, at "+succeeded.Time.UTC().Format("2006-01-02 15:04:05")) {
			t.Error(s)
		}
		text := strings.Join(h.Sentences(), "\n")
		for _, words := range []string{
			"had been retried before, and has failed again", "has succeeded after 2 retries, as the event at offset 1 of partition 0 reported",
			"belongs to the outcome " + failed.ID(),
		} {
			if !strings.Contains(text, words) {
				t.Errorf("not said: %q\n%s", words, text)
			}
		}
		time.Sleep(time.Minute)
		w.answer("7", w.fail(0, `{"task_id":"7"}`), events.BudgetExhausted, nil)
		if s := w.readWithRecoveries().Summary(); !strings.Contains(s, "budget_exhausted") {
			t.Errorf("it has failed since: %s", s)
		}
	})
}

func TestRecoveriesOfOneRetryAreToldAsTheFirst(t *testing.T) {
	inWorld(t, func(w *world) {
		w.b.Create("rec", 3)
		first, second := w.fail(0, `{"task_id":"7"}`), w.fail(1, `{"task_id":"7"}`)
		time.Sleep(time.Minute)
		succeeded, again := w.fail(0, `{"task_id":"7","status":"SUCCEED"}`), w.fail(2, `{"task_id":"7","status":"SUCCEED"}`)
		w.recover(succeeded, first)
		time.Sleep(time.Second)
		w.recover(succeeded, first) // written again after a crash
		w.recover(again, first)     // SMN delivered the success twice
		w.recover(again, second)
		h := w.readWithRecoveries()
		var told []string
		for _, l := range h.Lines() {
			if l.Kind == history.Recovered {
				told = append(told, l.Sentence)
			}
		}
		if len(told) != 2 || !strings.Contains(told[0], first.ID()) || !strings.Contains(told[1], second.ID()) {
			t.Errorf("%q", told)
		}
		var repeats []bool
		for _, e := range h.Entries[2:] {
			repeats = append(repeats, e.Recovery.Repeat)
		}
		if !slices.Equal(repeats, []bool{false, true, true, false}) {
			t.Errorf("%v", repeats)
		}
	})
}

func TestASuccessWithoutTimeIsNotToldAsOneOf1969(t *testing.T) {
	inWorld(t, func(w *world) {
		w.b.Create("rec", 3)
		for _, at := range []time.Time{time.UnixMilli(-1), time.UnixMilli(0)} {
			w.recover(events.Source{Topic: "f", Time: at}, events.Source{Topic: "f"})
			if s := w.readWithRecoveries().Summary(); strings.Contains(s, "19") || !strings.Contains(s, "after 2 retries, at a time that is not known") {
				t.Error(s)
			}
		}
		text := history.History{Entries: []history.Entry{{At: time.UnixMilli(-1), Failure: &history.Failure{}}}}.Sentences()[0]
		if !strings.HasPrefix(text, "without time             A failure event") {
			t.Error(text)
		}
	})
}

func TestARecoveryOfAnotherGroupIsNotTold(t *testing.T) {
	inWorld(t, func(w *world) {
		w.b.Create("rec", 3)
		w.recover(w.fail(0, `{"task_id":"7","status":"SUCCEED"}`), events.Source{Topic: "f"})
		h, err := w.reader(func(c *history.Config) { c.Recovered, c.Origin = "rec", events.OriginOf("another") }).Task(context.Background(), "7")
		if err != nil || len(h.Entries) > 0 {
			t.Errorf("%+v, %v", h.Entries, err)
		}
	})
}
