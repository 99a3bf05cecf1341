package ledger

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/goroutines"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

const (
	failed, retried, refused = "remux.failed", "remux.retried", "remux.retry_failed"
	window                   = time.Hour
)

var origin = events.OriginOf("group")

// fakeLog holds the outcome topics in memory. Pages hold three records unless size is set.
type fakeLog struct {
	mu     sync.Mutex
	topics map[string][]partition
	err    error // of every method, while set
	size   int
	pages  int
	read   func() // called before each page
}

type partition struct {
	records     []consumer.Record
	first, next int64
}

func (f *fakeLog) Partitions(_ context.Context, topic string) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.topics[topic]), f.err
}

func (f *fakeLog) Span(_ context.Context, topic string, partitions int, since time.Time) ([]consumer.Interval, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var spans []consumer.Interval
	for _, p := range f.topics[topic][:partitions] {
		from := p.next
		if i := slices.IndexFunc(p.records, func(r consumer.Record) bool { return !r.Time.Before(since) }); i >= 0 {
			from = p.records[i].Offset
		}
		if since.IsZero() {
			from = p.first
		}
		spans = append(spans, consumer.Interval{From: from, To: p.next})
	}
	return spans, f.err
}

func (f *fakeLog) Fetch(_ context.Context, topic string, id int, offset int64, _ int) (consumer.Page, error) {
	if f.read != nil {
		f.read()
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pages++
	p := f.topics[topic][id]
	page := consumer.Page{Next: p.next, End: p.next}
	if offset < p.first || offset > p.next {
		return page, consumer.ErrOffsetOutOfRange
	}
	at, _ := slices.BinarySearchFunc(p.records, offset, func(r consumer.Record, offset int64) int { return int(r.Offset - offset) })
	page.Records = p.records[at:]
	if size := cmp.Or(f.size, 3); len(page.Records) > size {
		page.Next = page.Records[size].Offset
		page.Records = page.Records[:size]
	}
	return page, f.err
}

// append adds a record; the time is now.
func (f *fakeLog) append(topic string, id int, r consumer.Record) {
	r.Time = time.Now()
	f.appendAt(topic, id, r)
}

// appendAt adds a record with its own time.
func (f *fakeLog) appendAt(topic string, id int, r consumer.Record) {
	f.mu.Lock()
	defer f.mu.Unlock()
	p := &f.topics[topic][id]
	r.Topic, r.Partition, r.Offset = topic, id, p.next
	p.records, p.next = append(p.records, r), p.next+1
}

// set replaces a topic by an empty one.
func (f *fakeLog) set(topic string, partitions int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.topics[topic] = make([]partition, partitions)
}

func (f *fakeLog) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

// stepping is a clock whose wall clock jumps.
type stepping struct {
	clock.Clock
	by atomic.Int64
}

func (s *stepping) Wall() time.Time { return s.Clock.Wall().Add(time.Duration(s.by.Load())) }

// step sets how far the wall clock is off.
func (s *stepping) step(by time.Duration) { s.by.Store(int64(by)) }

// world is a ledger on a fakeLog, in virtual time.
type world struct {
	*testing.T
	*Ledger
	log   *fakeLog
	said  *test.Hook
	clock *stepping
	// recovered is the topic of recoveries; empty: none.
	recovered string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, log: &fakeLog{topics: map[string][]partition{}}, clock: &stepping{Clock: clock.System}}
	w.log.set(retried, 2)
	w.log.set(refused, 3)
	w.restart()
	return w
}

// restart starts with an empty ledger on the same log.
func (w *world) restart() {
	w.Helper()
	var logger *logrus.Logger
	logger, w.said = test.NewNullLogger()
	var err error
	if w.Ledger, err = New(Config{
		Client: w.log, OutcomeTopics: []string{retried, refused}, RecoveredTopic: w.recovered, FailedTopic: failed, Origin: origin, Window: window,
		Clock: w.clock, Rand: func() float64 { return 0 }, Logger: logger,
	}); err != nil {
		w.Fatal(err)
	}
}

// run runs a test in virtual time, with the ledger caught up and following.
func run(t *testing.T, story func(w *world)) { runWith(t, "", story) }

// runWith is run with a topic of recoveries, unless it is empty.
func runWith(t *testing.T, recovered string, story func(w *world)) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		if w.recovered = recovered; recovered != "" {
			w.log.set(recovered, 2)
			w.restart()
		}
		w.catchUp(0, 1)
		ctx, cancel := context.WithCancel(t.Context())
		var running clock.Group
		running.Go(clock.System, func() { w.Ledger.Run(ctx) })
		story(w)
		cancel()
		running.Wait(clock.System)
	})
}

func (w *world) catchUp(partitions ...int) {
	w.Helper()
	if err := w.CatchUp(w.Context(), consumer.Assignment{Partitions: partitions, TopicPartitions: 4, Since: time.Now().Add(-time.Minute)}); err != nil {
		w.Fatal(err)
	}
}

// follow lets the ledger read what was published.
func (w *world) follow() {
	time.Sleep(followInterval + time.Millisecond)
	synctest.Wait()
}

// event returns the event at an offset; its time follows from the offset.
func event(partition int, offset int64) events.Source {
	return events.Source{Topic: failed, Partition: partition, Offset: offset, Time: time.UnixMilli(1_700_000_000_000 + offset).UTC()}
}

// outcome is decided now, after one call if it covers anything.
func outcome(task string, reason events.Reason, source events.Source, covers ...events.Cover) events.Outcome {
	return events.Outcome{
		Reason: reason, Attempts: min(1, len(covers)), Source: source, Failure: events.Failure{TaskID: task}, Covers: covers,
		DecidedAt: time.Now().UTC().Truncate(time.Millisecond), Origin: origin,
	}
}

// record is the outcome as a record.
func record(t testing.TB, o events.Outcome) consumer.Record {
	t.Helper()
	m, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return recordOf(m)
}

func recordOf(m events.Message) consumer.Record {
	return consumer.Record{Key: m.Key, Value: m.Value, Headers: m.Headers}
}

// publish writes outcomes to their topics. The last byte of the task's id chooses the
// partition.
func (w *world) publish(outcomes ...events.Outcome) {
	w.Helper()
	for _, o := range outcomes {
		topic := o.Reason.Kind().Type()
		task := o.Failure.TaskID
		partitions, _ := w.log.Partitions(w.Context(), topic)
		w.log.append(topic, int(task[len(task)-1])%partitions, record(w, o))
	}
}

// expect compares two values by how they print.
func (w *world) expect(what, got, want any) {
	w.Helper()
	if fmt.Sprint(got) != fmt.Sprint(want) {
		w.Errorf("%s: %v, want %v", what, got, want)
	}
}

// covering is the reason of the covering decision, or empty.
func (w *world) covering(task string, e events.Source) events.Reason {
	o, _ := w.Covering(task, e)
	return o.Reason
}
