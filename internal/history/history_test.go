package history_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/goroutines"
	"remux-retrier/internal/history"
	"remux-retrier/internal/simulation/memlog"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

// world is a Kafka with the service's topics, in virtual time.
type world struct {
	t *testing.T
	b *memlog.Broker
	m *memlog.Member
	// committed are the group's positions.
	committed map[int]consumer.Position
}

func inWorld(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		b, err := memlog.New(memlog.Config{Clock: clock.System, Topic: "f", SessionTimeout: 10 * time.Second, RebalanceTimeout: 25 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		for _, topic := range []string{"f", "ok", "bad", "dlq"} {
			b.Create(topic, 3)
		}
		time.Sleep(1000 * time.Hour) // so that there is a past
		test(&world{t: t, b: b, m: b.Member("reader")})
	})
}

func (w *world) reader(change func(*history.Config)) *history.Reader {
	w.t.Helper()
	cfg := history.Config{
		Kafka: w.m, Failed: "f", Retried: "ok", RetryFailed: "bad", DeadLetter: "dlq",
		Origin: events.OriginOf("g"), Window: 24 * time.Hour, Now: time.Now,
		Positions: func(context.Context) (map[int]consumer.Position, error) { return w.committed, nil },
	}
	if change != nil {
		change(&cfg)
	}
	r, err := history.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return r
}

// read returns the history of task 7.
func (w *world) read() history.History {
	w.t.Helper()
	h, err := w.reader(nil).Task(context.Background(), "7")
	if err != nil {
		w.t.Fatal(err)
	}
	return h
}

// fail publishes a failure event.
func (w *world) fail(partition int, value string, headers ...consumer.Header) events.Source {
	offset := w.b.Append("f", partition, consumer.Message{Value: []byte(value), Headers: headers})
	return events.Source{Topic: "f", Partition: partition, Offset: offset, Time: time.Now()}
}

// answer publishes an outcome as the service does.
func (w *world) answer(id string, source events.Source, reason events.Reason, change func(*events.Outcome)) {
	w.t.Helper()
	retries := 1
	o := events.Outcome{Reason: reason, Attempts: 1, Retries: &retries, Source: source, Failure: events.Failure{TaskID: id}, DecidedAt: time.Now(), Origin: events.OriginOf("g")}
	if change != nil {
		change(&o)
	}
	m, err := o.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	topic := map[events.Kind]string{events.Retried: "ok", events.RetryFailed: "bad"}[reason.Kind()]
	p, err := w.m.PartitionFor(context.Background(), topic, m.Key)
	if err != nil {
		w.t.Fatal(err)
	}
	w.b.Append(topic, p, consumer.Message{Key: m.Key, Value: m.Value, Headers: m.Headers})
}

func (w *world) appendLetter(key, value string) {
	headers := events.DeadLetter(events.Source{Topic: "f", Partition: 2, Offset: 9, Time: time.Now()}, nil, &events.Unreadable{Reason: events.TwoTaskIDs, Message: "there are two"}, 1024)
	w.b.Append("dlq", 1, consumer.Message{Key: []byte(key), Value: []byte(value), Headers: headers})
}

// kinds returns the entries in a short form.
func kinds(h history.History) string {
	var all []string
	for _, e := range h.Entries {
		text := string(e.Kind)
		switch {
		case e.Failure != nil && !e.Failure.Answered:
			text += "(open)"
		case e.Outcome != nil:
			text += "(" + string(e.Outcome.Reason) + ")"
		}
		all = append(all, text)
	}
	return strings.Join(all, " ")
}

func TestAStoryIsToldInTheOrderOfItsTimes(t *testing.T) {
	inWorld(t, func(w *world) {
		first := w.fail(0, `{"task_id":"7","error_code":"MPC.10105"}`)
		time.Sleep(time.Second)
		w.answer("7", first, events.Accepted, nil)
		time.Sleep(time.Minute)
		second := w.fail(2, `{"task_id":7}`) // another partition, another form
		w.fail(2, `{"task_id":"70"}`)
		w.fail(1, `{"other":"7"}`)
		w.answer("70", second, events.Accepted, nil)
		time.Sleep(time.Second)
		w.answer("7", second, events.BudgetExhausted, func(o *events.Outcome) { o.Attempts = 0 })
		time.Sleep(time.Second)
		w.appendLetter("", `{"task_id":"7","task_id":"8"}`)
		time.Sleep(time.Second)
		w.fail(1, `{"specversion":"1.0","id":"e","data":{"task_id":"\u0037"}}`, consumer.Header{Key: events.ForceHeader, Value: []byte("true")})
		h := w.read()
		want := "failure_event outcome(accepted) failure_event outcome(budget_exhausted) dead_letter failure_event(open)"
		if kinds(h) != want || !h.Complete || h.Read != 8 {
			t.Errorf("%s, complete %v, %d read, want %s", kinds(h), h.Complete, h.Read, want)
		}
		if !h.Entries[5].Failure.Forced || h.Entries[0].Failure.ErrorCode != "MPC.10105" || h.Entries[1].At.Sub(h.Entries[0].At) != time.Second {
			t.Errorf("%+v", h.Entries)
		}
		if s := h.Summary(); !strings.Contains(s, "no outcome yet") || !strings.Contains(s, "partition 1 of f") {
			t.Error(s)
		}
		text := strings.Join(h.Sentences(), "\n")
		for _, words := range []string{"with the code MPC.10105", "answered retried, accepted. MPC accepted the retry.", "answered retry_failed, budget_exhausted", "No calls were made for it", "may be about this task", "It is forced", "No outcome was found for it"} {
			if !strings.Contains(text, words) {
				t.Errorf("missing: %q\n%s", words, text)
			}
		}
	})
}

func TestTheFirstOutcomeCounts(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.fail(0, `{"task_id":"7"}`)
		w.answer("7", e, events.Accepted, nil)
		time.Sleep(time.Second)
		w.answer("7", e, events.Accepted, nil)
		h := w.read()
		if len(h.Entries) != 3 || h.Entries[1].Outcome.Repeat || !h.Entries[2].Outcome.Repeat {
			t.Errorf("%+v", h.Entries)
		}
	})
}

// The offsets of a recreated topic begin at 0 again.
func TestAnAnswerOfAnotherTimeAnswersNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.fail(0, `{"task_id":"7"}`)
		e.Time = e.Time.Add(-time.Hour)
		w.answer("7", e, events.Accepted, nil)
		if h := w.read(); h.Entries[0].Failure.Answered {
			t.Errorf("%+v", h.Entries)
		}
	})
}

func TestOtherGroupsAnswersAndGarbageAreLeftOut(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.fail(0, `{"task_id":"7"}`)
		w.answer("7", e, events.Rejected, func(o *events.Outcome) { o.Origin = events.OriginOf("another") })
		for _, topic := range []string{"f", "ok", "bad", "dlq"} {
			for p := range 3 {
				w.b.Append(topic, p, consumer.Message{Key: []byte("7"), Value: []byte(`{"task_id":"7"`)}, consumer.Message{})
			}
		}
		if h := w.read(); kinds(h) != "failure_event(open)" {
			t.Error(kinds(h))
		}
	})
}

func TestWhatIsOlderThanTheWindowIsNotRead(t *testing.T) {
	inWorld(t, func(w *world) {
		w.answer("7", w.fail(0, `{"task_id":"7"}`), events.Accepted, nil)
		time.Sleep(25 * time.Hour)
		h := w.read()
		if len(h.Entries) != 0 || h.Read != 0 || !strings.Contains(h.Summary(), "contain nothing about it since") {
			t.Errorf("%+v: %s", h, h.Summary())
		}
	})
}

func TestTheLimitEndsTheReadingAndSaysSo(t *testing.T) {
	inWorld(t, func(w *world) {
		w.answer("7", w.fail(0, `{"task_id":"7"}`), events.Accepted, nil)
		for i := range 5000 {
			w.fail(i%3, fmt.Sprintf(`{"task_id":"x%d","pad":%q}`, i, strings.Repeat("p", 1000)))
		}
		h, err := w.reader(func(c *history.Config) { c.Limit = 500 }).Task(context.Background(), "7")
		if err != nil || h.Complete || h.Read != 500 || !strings.HasPrefix(h.Summary(), "Not everything was read, so this may be wrong: its latest") || !strings.Contains(kinds(h), "outcome(accepted)") {
			t.Errorf("%v, complete %v, %d read, %s", err, h.Complete, h.Read, kinds(h))
		}
	})
}

// slowOutcomes is a Kafka whose outcome topics are slower than the others.
type slowOutcomes struct{ history.Kafka }

func (s slowOutcomes) Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (consumer.Page, error) {
	if topic == "ok" || topic == "bad" {
		time.Sleep(time.Second)
	}
	return s.Kafka.Fetch(ctx, topic, partition, offset, maxBytes)
}

func TestTheLimitLeavesNoOutcomeOutHoweverSlowItsPartitionIs(t *testing.T) {
	inWorld(t, func(w *world) {
		w.answer("7", w.fail(0, `{"task_id":"7"}`), events.Accepted, nil)
		for range 1000 {
			w.fail(1, `{"task_id":"8"}`)
		}
		h, err := w.reader(func(c *history.Config) { c.Limit, c.Kafka = 500, slowOutcomes{w.m} }).Task(context.Background(), "7")
		if err != nil || h.Complete || !strings.Contains(kinds(h), "outcome(accepted)") {
			t.Errorf("%v, complete %v, %s", err, h.Complete, kinds(h))
		}
	})
}

func TestOutcomesAloneDoNotReadTheOtherTopics(t *testing.T) {
	inWorld(t, func(w *world) {
		w.answer("7", w.fail(0, `{"task_id":"7"}`), events.Accepted, nil)
		w.appendLetter("7", "")
		h, err := w.reader(nil).Outcomes(context.Background(), "7")
		if err != nil || kinds(h) != "outcome(accepted)" || h.Read != 1 {
			t.Errorf("%+v, %v", h, err)
		}
	})
}
