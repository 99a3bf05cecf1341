package outcomes_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/goroutines"
	"remux-retrier/internal/outcomes"
	"remux-retrier/internal/simulation/memlog"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

// world is a Kafka with the service's topics, in virtual time.
type world struct {
	t         *testing.T
	b         *memlog.Broker
	m         *memlog.Member
	committed map[int]consumer.Position
	away      bool // the group's coordinator
}

func inWorld(t *testing.T, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		b, err := memlog.New(memlog.Config{Clock: clock.System, Topic: "f", SessionTimeout: 10 * time.Second, RebalanceTimeout: 25 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		for _, topic := range []string{"f", "ok", "bad"} {
			b.Create(topic, 3)
		}
		time.Sleep(1000 * time.Hour) // so that there is a past
		test(&world{t: t, b: b, m: b.Member("reader")})
	})
}

func (w *world) config(change func(*outcomes.Config)) outcomes.Config {
	cfg := outcomes.Config{
		Kafka: w.m, Failed: "f", Retried: "ok", RetryFailed: "bad", Origin: events.OriginOf("g"), Since: time.Now().Add(-24 * time.Hour),
		Positions: func(context.Context) (map[int]consumer.Position, error) {
			if w.away {
				return nil, errors.New("the coordinator is away")
			}
			return w.committed, nil
		},
	}
	if change != nil {
		change(&cfg)
	}
	return cfg
}

// of returns what is read about one task.
func (w *world) of(id string) outcomes.Task {
	w.t.Helper()
	tasks, err := outcomes.Of(w.t.Context(), w.config(nil), map[string]bool{id: true})
	if err != nil || len(tasks) > 1 {
		w.t.Fatalf("%d tasks, %v", len(tasks), err)
	}
	if tasks[id] == nil {
		return outcomes.Task{}
	}
	return *tasks[id]
}

// ask publishes a failure event, which need not be keyed.
func (w *world) ask(partition int, value string) events.Source {
	offset := w.b.Append("f", partition, consumer.Message{Value: []byte(value)})
	return events.Source{Topic: "f", Partition: partition, Offset: offset, Time: time.Now()}
}

// answer publishes an outcome where the service would.
func (w *world) answer(id string, source events.Source, reason events.Reason, change func(*events.Outcome)) {
	w.t.Helper()
	o := events.Outcome{Reason: reason, Source: source, Failure: events.Failure{TaskID: id}, DecidedAt: time.Now(), Origin: events.OriginOf("g")}
	if change != nil {
		change(&o)
	}
	m, err := o.Encode()
	if err != nil {
		w.t.Fatal(err)
	}
	topic := map[events.Kind]string{events.Retried: "ok", events.RetryFailed: "bad"}[reason.Kind()]
	p, err := w.m.PartitionFor(w.t.Context(), topic, m.Key)
	if err != nil {
		w.t.Fatal(err)
	}
	w.b.Append(topic, p, consumer.Message{Key: m.Key, Value: m.Value, Headers: m.Headers})
}

func TestTheLatestOutcomesAndAllAcceptedRetriesAreTold(t *testing.T) {
	inWorld(t, func(w *world) {
		began := time.Now()
		for _, reason := range []events.Reason{events.Accepted, events.Accepted, events.BudgetExhausted, events.Rejected, events.Covered} {
			w.answer("7", w.ask(1, `{"task_id":"7"}`), reason, func(o *events.Outcome) {
				o.Failure.ErrorCode = "MPC.10105"
				o.Error = &events.APIError{Code: "MPC.10212"}
			})
			time.Sleep(time.Minute)
		}
		w.answer("8", w.ask(1, `{"task_id":"8"}`), events.Accepted, nil)
		got := w.of("7")
		if at := began.Add(3 * time.Minute); !got.RetryFailed.At.Equal(at) || got.RetryFailed.Reason != events.Rejected || got.RetryFailed.FailureCode != "MPC.10105" || got.RetryFailed.APICode != "MPC.10212" {
			t.Errorf("%+v", got.RetryFailed)
		}
		if len(got.Accepted) != 2 || !got.Accepted[0].Equal(began) || !got.Retried.Equal(began.Add(4*time.Minute)) || got.Waiting {
			t.Errorf("%+v", got)
		}
		refused, err := outcomes.Refused(w.t.Context(), w.config(nil))
		if err != nil || len(refused) != 1 || refused["7"] == nil || len(refused["7"].Accepted) != 2 {
			t.Errorf("%+v, %v", refused, err)
		}
	})
}

// The first of an event's outcomes counts, and a retry is counted once.
func TestARepeatedOutcomeChangesNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.ask(0, `{"task_id":"7"}`)
		began := time.Now()
		for range 3 {
			w.answer("7", e, events.Accepted, nil)
			time.Sleep(time.Second)
		}
		if got := w.of("7"); len(got.Accepted) != 1 || !got.Retried.Equal(began) {
			t.Errorf("%+v", got)
		}
	})
}

func TestStrangersRecordsTellNothing(t *testing.T) {
	inWorld(t, func(w *world) {
		e := w.ask(0, `{"task_id":"9"}`)
		w.answer("7", e, events.Rejected, func(o *events.Outcome) { o.Origin = events.OriginOf("another") })
		w.answer("7", events.Source{Topic: "other", Time: time.Now()}, events.Accepted, nil)
		for _, topic := range []string{"f", "ok", "bad"} {
			for p := range 3 {
				w.b.Append(topic, p, consumer.Message{Key: []byte("7"), Value: []byte(`{"task_id":"7"`)}, consumer.Message{})
			}
		}
		if got := w.of("7"); got.ID != "" {
			t.Errorf("%+v", got)
		}
		if all, err := outcomes.Refused(w.t.Context(), w.config(nil)); len(all) != 0 || err != nil {
			t.Errorf("%+v, %v", all, err)
		}
	})
}

func TestAnEventWaitsUntilItIsAnsweredOrPassedOver(t *testing.T) {
	for name, c := range map[string]struct {
		committed int64 // of the one event's partition; -1: nothing
		answered  bool
		away      bool
		waits     bool
	}{
		"not read yet":                        {committed: -1, waits: true},
		"not answered yet":                    {committed: 0, waits: true},
		"answered above the committed offset": {committed: 0, answered: true},
		"answered and committed":              {committed: 1, answered: true},
		"passed over":                         {committed: 1},
		"the group's offsets are unknown":     {committed: 1, away: true, waits: true},
		"the topic was created anew":          {committed: 99, waits: true},
	} {
		inWorld(t, func(w *world) {
			e := w.ask(1, `{"task_id":"7","end_time":"20261123080000"}`)
			if c.answered {
				w.answer("7", e, events.Rejected, nil)
			}
			if c.committed >= 0 {
				w.committed = map[int]consumer.Position{1: {Offset: c.committed}}
			}
			w.away = c.away
			got := w.of("7")
			if got.Waiting != c.waits {
				t.Errorf("%s: waits %v", name, got.Waiting)
			}
			// The failure of an event that was skipped must be published again.
			if known := len(got.Ended) == 1; known != (c.waits || c.answered) {
				t.Errorf("%s: end times %v", name, got.Ended)
			}
		})
	}
}

func TestATaskThatHasSucceededDoesNotWaitWhereSuccessesAreRead(t *testing.T) {
	inWorld(t, func(w *world) {
		w.ask(1, `{"task_id":"7","status":"SUCCEEDED"}`)
		w.ask(1, `{"task_id":"8"}`)
		for successes, want := range map[bool]bool{false: true, true: false} {
			tasks, err := outcomes.Of(w.t.Context(), w.config(func(c *outcomes.Config) { c.Successes = successes }), map[string]bool{"7": true, "8": true})
			if err != nil || tasks["8"] == nil || !tasks["8"].Waiting {
				t.Fatalf("%+v, %v", tasks, err)
			}
			if waits := tasks["7"] != nil && tasks["7"].Waiting; waits != want {
				t.Errorf("successes %v: it waits: %v", successes, waits)
			}
		}
	})
}

func TestWhatWaitsIsFoundHoweverOldAndSoIsItsAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		metadata := consumer.CommitMetadata{Since: time.Now()}
		w.ask(1, `{"task_id":"7"}`)
		answered := w.ask(1, `{"task_id":"8"}`)
		time.Sleep(time.Minute)
		w.answer("8", answered, events.Rejected, nil)
		time.Sleep(48 * time.Hour)
		w.committed = map[int]consumer.Position{1: {Offset: 0, Metadata: metadata.Encode(0)}}
		if !w.of("7").Waiting {
			t.Error("an event that waits for two days is not told")
		}
		w.committed[1] = consumer.Position{Offset: 0} // by another program
		if !w.of("7").Waiting {
			t.Error("an event that waits for two days, at an offset without metadata, is not told")
		}
		w.committed[1] = consumer.Position{Offset: 0, Metadata: metadata.Encode(0)}
		if w.of("8").Waiting {
			t.Error("an answered event counts as waiting")
		}
	})
}

// Two instances may publish in another order than they have decided.
func TestTheLatestRefusalIsTheOneThatWasDecidedLast(t *testing.T) {
	inWorld(t, func(w *world) {
		for ago, reason := range []events.Reason{events.Rejected, events.BudgetExhausted} {
			w.answer("7", w.ask(1, `{"task_id":"7"}`), reason, func(o *events.Outcome) { o.DecidedAt = time.Now().Add(-time.Duration(ago) * time.Hour) })
		}
		if got := w.of("7").RetryFailed; got.Reason != events.Rejected || !got.At.Equal(time.Now()) {
			t.Errorf("%+v", got)
		}
	})
}

func TestOldOutcomesAreNotRead(t *testing.T) {
	inWorld(t, func(w *world) {
		w.answer("7", w.ask(1, `{"task_id":"7"}`), events.Rejected, nil)
		time.Sleep(25 * time.Hour)
		w.committed = map[int]consumer.Position{1: {Offset: 1}}
		if got := w.of("7"); got.ID != "" {
			t.Errorf("%+v", got)
		}
	})
}

func TestMoreThanCanBeHeldIsAnErrorAndNoHalfAnswer(t *testing.T) {
	inWorld(t, func(w *world) {
		for i := range 100 {
			w.answer(fmt.Sprint(i), w.ask(i%3, fmt.Sprintf(`{"task_id":"%d"}`, i)), events.Rejected, nil)
		}
		tasks, err := outcomes.Refused(w.t.Context(), w.config(func(c *outcomes.Config) { c.Limit = 150 }))
		if !errors.Is(err, outcomes.ErrTooMany) || tasks != nil || !strings.Contains(err.Error(), "shorter time") {
			t.Errorf("%d tasks, %v", len(tasks), err)
		}
		if _, err := outcomes.Refused(w.t.Context(), w.config(func(c *outcomes.Config) { c.Limit = 300 })); err != nil {
			t.Error(err)
		}
	})
}

func TestReadingEndsWithItsContextAndWithTheFirstError(t *testing.T) {
	inWorld(t, func(w *world) {
		w.answer("7", w.ask(1, `{"task_id":"7"}`), events.Rejected, nil)
		ctx, cancel := context.WithCancel(w.t.Context())
		cancel()
		if _, err := outcomes.Refused(ctx, w.config(nil)); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		if _, err := outcomes.Refused(w.t.Context(), w.config(func(c *outcomes.Config) { c.Retried = "gone" })); !errors.Is(err, consumer.ErrUnknownTopic) {
			t.Error(err)
		}
	})
}
