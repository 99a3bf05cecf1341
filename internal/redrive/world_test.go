package redrive_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/goroutines"
	"remux-retrier/internal/redrive"
	"remux-retrier/internal/simulation/memlog"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

const (
	letters = "dlq"
	failed  = "failed"
)

// world is a Kafka with dead letters, in virtual time.
type world struct {
	t *testing.T
	b *memlog.Broker
	n int
}

func inWorld(t *testing.T, partitions int, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		b, err := memlog.New(memlog.Config{Clock: clock.System, Topic: letters, SessionTimeout: 10 * time.Second, RebalanceTimeout: 25 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		b.Create(letters, partitions)
		b.Create(failed, 2)
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		go func() { b.Run(ctx); close(ended) }()
		test(&world{t: t, b: b})
		cancel()
		<-ended
	})
}

// letter returns a dead letter as the service makes it.
func letter(reason events.Defect, key, value string, headers ...events.Header) consumer.Message {
	u := &events.Unreadable{Reason: reason, Message: "it is so"}
	headers = events.DeadLetter(events.Source{Topic: failed, Partition: 1, Offset: 7, Time: time.Unix(1, 0)}, headers, u, events.DeadLetterMessageLimit)
	return consumer.Message{Key: []byte(key), Value: []byte(value), Headers: headers}
}

func (w *world) dead(partition int, ms ...consumer.Message) { w.b.Append(letters, partition, ms...) }

// many appends n dead letters, the i-th with the value "i".
func (w *world) many(partition, n int) {
	for i := range n {
		w.dead(partition, letter(events.NoTaskID, fmt.Sprint("k", i), fmt.Sprint(i)))
	}
}

// redriven returns the values in the failed topic, sorted.
func (w *world) redriven() []string {
	var values []string
	for _, r := range w.b.Records(failed) {
		values = append(values, string(r.Value))
	}
	slices.Sort(values)
	return values
}

// recorder is a Listener that records its calls.
type recorder struct {
	selected, skipped []string
	problems          []string
	notices           []string
	totals            redrive.Totals
	onProgress        func(redrive.Totals)
}

func (e *recorder) Selected(r *consumer.Record) { e.selected = append(e.selected, string(r.Value)) }
func (e *recorder) Skipped(r *consumer.Record, why string) {
	e.skipped = append(e.skipped, string(r.Value)+": "+why)
}
func (e *recorder) Problem(text string) {
	if text != "" {
		e.problems = append(e.problems, text)
	}
}
func (e *recorder) Notice(text string) { e.notices = append(e.notices, text) }
func (e *recorder) Progress(t redrive.Totals) {
	e.totals = t
	if e.onProgress != nil {
		e.onProgress(t)
	}
}

func (w *world) config(e *recorder, change func(*redrive.Config)) redrive.Config {
	w.n++
	cfg := redrive.Config{
		Kafka: w.b.Member(fmt.Sprint("redrive-", w.n)), DeadLetter: letters, Failed: failed,
		Clock: clock.System, Rand: func() float64 { return .5 }, Listener: e,
	}
	if change != nil {
		change(&cfg)
	}
	return cfg
}

func (w *world) run(ctx context.Context, e *recorder, change func(*redrive.Config)) (redrive.Totals, error) {
	w.t.Helper()
	r, err := redrive.New(w.config(e, change))
	if err != nil {
		w.t.Fatal(err)
	}
	return r.Run(ctx)
}

// must runs a redrive that must not fail.
func (w *world) must(change func(*redrive.Config)) redrive.Totals {
	w.t.Helper()
	totals, err := w.run(context.Background(), &recorder{}, change)
	if err != nil {
		w.t.Fatal(err)
	}
	return totals
}

// numbers returns the values of many, sorted.
func numbers(n int) []string {
	var all []string
	for i := range n {
		all = append(all, fmt.Sprint(i))
	}
	slices.Sort(all)
	return all
}

func (w *world) want(values []string) {
	w.t.Helper()
	if got := w.redriven(); !slices.Equal(got, values) {
		w.t.Errorf("the failed topic has %q, want %q", got, values)
	}
}
