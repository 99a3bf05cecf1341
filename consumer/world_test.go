package consumer_test

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	logtest "github.com/sirupsen/logrus/hooks/test"

	"remux-retrier/consumer"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/simulation/memlog"
)

const (
	topic = "in"
	out   = "out"
)

// world is a broker and the members that read its records, in virtual time.
type world struct {
	t      *testing.T
	broker *memlog.Broker
	logs   *logtest.Hook

	mu      sync.Mutex
	doubted map[string]bool
	called  []string
}

// inWorld runs a test in a bubble, on a topic with the given number of partitions.
func inWorld(t *testing.T, partitions int, test func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		b, err := memlog.New(memlog.Config{Clock: clock.System, Topic: topic, SessionTimeout: 10 * time.Second, RebalanceTimeout: 25 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if partitions > 0 {
			b.Create(topic, partitions)
		}
		b.Create(out, 1)
		ctx, cancel := context.WithCancel(context.Background())
		w := &world{t: t, broker: b, logs: &logtest.Hook{}, doubted: map[string]bool{}}
		var running sync.WaitGroup
		running.Go(func() { b.Run(ctx) })
		test(w)
		cancel()
		running.Wait()
	})
}

// said counts the log lines that begin with this text.
func (w *world) said(begin string) (n int) {
	for _, e := range w.logs.AllEntries() {
		if strings.HasPrefix(e.Message, begin) {
			n++
		}
	}
	return n
}

// instance is one process.
type instance struct {
	w      *world
	member *memlog.Member
	c      *consumer.Consumer
	kill   context.CancelFunc
	done   chan struct{}

	listener *listener
}

// handler answers each record in a goroutine.
type handler func(ctx context.Context, d *consumer.Delivery) error

func (h handler) Receive(d *consumer.Delivery) { d.Go(func() { _ = h(d.Context(), d) }) }

func (handler) Release() {}

// publish returns when the message is acknowledged or given up.
func publish(d *consumer.Delivery, m consumer.Message, alternatives ...consumer.Message) error {
	ended := make(chan error, 1)
	d.Publish(func(err error) { ended <- err }, m, alternatives...)
	return <-ended
}

// start starts an instance that answers with h. If h is nil it calls for each record, for
// 50 ms, and publishes its name.
func (w *world) start(name string, h handler, options ...func(*consumer.Config)) *instance {
	w.t.Helper()
	if h == nil {
		h = w.caller(50 * time.Millisecond)
	}
	logger := logrus.New()
	logger.SetOutput(io.Discard)
	logger.AddHook(w.logs)
	i := &instance{w: w, member: w.broker.Member(name), done: make(chan struct{}), listener: &listener{low: map[int]int64{}}}
	cfg := consumer.Config{
		Client: i.member, Topic: topic, SessionTimeout: 10 * time.Second, Drain: 15 * time.Second, Shutdown: 24 * time.Second, MaxInFlight: 64,
		Listener: i.listener, Clock: clock.System, Rand: func() float64 { return 0.5 }, Logger: logger,
		Handler: handler(func(ctx context.Context, d *consumer.Delivery) error {
			if d.InDoubt() {
				w.mu.Lock()
				w.doubted[id(d.Record)] = true
				w.mu.Unlock()
			}
			return h(ctx, d)
		}),
	}
	for _, o := range options {
		o(&cfg)
	}
	var err error
	if i.c, err = consumer.New(cfg); err != nil {
		w.t.Fatal(err)
	}
	var ctx context.Context
	ctx, i.kill = context.WithCancel(context.Background())
	go func() {
		i.c.Run(ctx)
		close(i.done)
	}()
	return i
}

// with is an option that sets a fault before the instance's first operation.
func with(f memlog.Fault) func(*consumer.Config) {
	return func(c *consumer.Config) { c.Client.(*memlog.Member).SetFault(f) }
}

// stop is a clean stop.
func (i *instance) stop() {
	i.kill()
	<-i.done
}

// crash ends the process: nothing of it reaches the broker from now on, and its session
// expires.
func (i *instance) crash() {
	i.member.SetHung(true)
	i.kill()
	<-i.done
}

// caller is a handler that calls, as a retry does, and then publishes.
func (w *world) caller(takes time.Duration) handler {
	return func(ctx context.Context, d *consumer.Delivery) error {
		if err := d.BeforeCall(ctx); err != nil {
			d.CallHadNoEffect() // no call started
			return err
		}
		if !d.MayCall() {
			d.CallHadNoEffect()
			return context.Cause(ctx)
		}
		w.mu.Lock()
		w.called = append(w.called, id(d.Record))
		w.mu.Unlock()
		time.Sleep(takes)
		return publish(d, answer(d))
	}
}

func answer(d *consumer.Delivery) consumer.Message {
	return consumer.Message{Topic: out, Key: d.Key, Value: []byte(id(d.Record))}
}

func id(r consumer.Record) string { return fmt.Sprintf("%d/%d", r.Partition, r.Offset) }

// append adds n records to a partition.
func (w *world) append(partition, n int) {
	for range n {
		w.broker.Append(topic, partition, consumer.Message{Key: []byte("key"), Value: []byte("value")})
	}
}

func (w *world) calls() []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.called)
}

func (w *world) doubts() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.doubted)
}

// answers counts the published answers of each record.
func (w *world) answers() map[string]int {
	n := map[string]int{}
	for _, r := range w.broker.Records(out) {
		n[string(r.Value)]++
	}
	return n
}

// wantOnce fails unless every record of the topic was answered exactly once.
func (w *world) wantOnce() {
	w.t.Helper()
	answers := w.answers()
	wrong := 0
	for _, r := range w.broker.Records(topic) {
		if n := answers[id(r)]; n != 1 {
			if wrong++; wrong < 5 {
				w.t.Errorf("record %s was answered %d times", id(r), n)
			}
		}
		delete(answers, id(r))
	}
	if len(answers) > 0 {
		w.t.Errorf("%d answers have no record", len(answers))
	}
}

// wantNothingPassedOver fails unless every record of the topic was answered since it was
// appended. Its offset may have had another record before.
func (w *world) wantNothingPassedOver() {
	w.t.Helper()
	answered := map[string]time.Time{}
	for _, r := range w.broker.Records(out) {
		answered[string(r.Value)] = r.Time
	}
	for _, r := range w.broker.Records(topic) {
		if at, ok := answered[id(r)]; !ok || at.Before(r.Time) {
			w.t.Errorf("%s was passed over", id(r))
		}
	}
}

// failing makes an operation fail before it has an effect.
func failing(what memlog.Operation, err error) memlog.Fault {
	return func(op memlog.Operation) (time.Duration, error, error) {
		if op == what {
			return 0, err, nil
		}
		return 0, nil, nil
	}
}

// slow makes an operation take some time.
func slow(what memlog.Operation, takes time.Duration) memlog.Fault {
	return func(op memlog.Operation) (time.Duration, error, error) {
		if op == what {
			return takes, nil, nil
		}
		return 0, nil, nil
	}
}

// committed returns the committed position of a partition.
func (w *world) committed(partition int) (int64, consumer.CommitMetadata) {
	w.t.Helper()
	at, ok := w.broker.Position(partition)
	if !ok {
		w.t.Fatalf("nothing is committed for partition %d", partition)
	}
	m, err := consumer.ParseCommitMetadata(at.Metadata, at.Offset)
	if err != nil {
		w.t.Fatal(err)
	}
	return at.Offset, m
}

// logged counts the log's lines of a level and above.
func (w *world) logged(level logrus.Level) (n int) {
	for _, e := range w.logs.AllEntries() {
		if e.Level <= level {
			n++
		}
	}
	return n
}
