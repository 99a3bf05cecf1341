package retrier

import (
	"context"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sirupsen/logrus/hooks/test"

	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/goroutines"
	"remux-retrier/internal/notice"
	"remux-retrier/internal/pace"
	"remux-retrier/mpcclient"
)

// The tests run in bubbles of testing/synctest: the system's clock is virtual there, and
// hours of waiting take no time.

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

// settle is how long FAILED is not trusted after a lost answer.
const settle = 10 * time.Second

// api is MPC as scripted by a test. By default calls are accepted, and tasks are FAILED.
type api struct {
	retry func(ctx context.Context, id string, nth int) error
	query func(ids []string) (map[string]mpcclient.Task, error)

	mu       sync.Mutex
	retries  map[string]int // calls by task
	retried  []time.Time    // call times
	queries  [][]string
	queried  []time.Time
	inFlight map[string]int
	twice    []string // tasks that were called while another call for them was in flight
}

func (a *api) Retry(ctx context.Context, id string) error {
	a.mu.Lock()
	a.retries[id]++
	nth := a.retries[id]
	a.retried = append(a.retried, time.Now())
	if a.inFlight[id]++; a.inFlight[id] > 1 {
		a.twice = append(a.twice, id)
	}
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.inFlight[id]--
	}()
	if a.retry == nil {
		return nil
	}
	return a.retry(ctx, id, nth)
}

func (a *api) Query(_ context.Context, ids []string) (map[string]mpcclient.Task, error) {
	a.mu.Lock()
	a.queries = append(a.queries, slices.Clone(ids))
	a.queried = append(a.queried, time.Now())
	a.mu.Unlock()
	if a.query == nil {
		return tasksIn(mpcclient.StatusFailed, ids...), nil
	}
	return a.query(ids)
}

// asked is the number of queries so far, called that of retry calls.
func (a *api) asked() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.queries)
}

func (a *api) called() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.retried)
}

// tasksIn is a query's answer with all tasks in one state.
func tasksIn(s mpcclient.Status, ids ...string) map[string]mpcclient.Task {
	tasks := map[string]mpcclient.Task{}
	for _, id := range ids {
		tasks[id] = mpcclient.Task{ID: id, Status: s}
	}
	return tasks
}

// harness is a running retrier with everything it needs.
type harness struct {
	*Retrier
	t    *testing.T
	api  *api
	gate *pace.Gate
	log  *test.Hook
	stop func() // ends it

	working clock.Group // work started by the leases
}

// Answer is what is to be published for an event.
type Answer struct {
	Outcome      events.Outcome
	Acknowledged func()
}

// newHarness starts a harness. change may be nil.
func newHarness(t *testing.T, a *api, perMinute int, change func(*Config)) *harness {
	t.Helper()
	a.retries, a.inFlight = map[string]int{}, map[string]int{}
	log, hook := test.NewNullLogger()
	random := rand.New(rand.NewPCG(1, 2))
	var mu sync.Mutex
	cfg := Config{
		API: a, Ledger: &fakeLedger{}, MaxInFlight: 64, MaxAttempts: 5, Settle: settle, SkipCodes: []string{"MPC.10052"},
		Origin: "/remux-retrier/test", Clock: clock.System, Logger: log, Tally: notice.NewTally(clock.System, log),
		Rand: func() float64 {
			mu.Lock()
			defer mu.Unlock()
			return random.Float64()
		},
	}
	if change != nil {
		change(&cfg)
	}
	gate, err := pace.New(pace.Config{
		PerWindow: perMinute, Window: time.Minute, MaxInFlight: cfg.MaxInFlight, Clock: clock.System, Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	gate.Assign(pace.Assignment{Partitions: []int{0}, TopicPartitions: 1})
	cfg.Gate = gate
	r, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	h := &harness{Retrier: r, t: t, api: a, gate: gate, log: hook}
	h.stop = func() {
		cancel()
		running.Wait()
		h.working.Wait(clock.System)
	}
	return h
}

// partition is the partition of all events.
const partition = 3

var offsets atomic.Int64

// newEvent returns an event after all earlier ones, which earlier calls do not cover.
func newEvent(id string) Event {
	offset := offsets.Add(1)
	return Event{
		Failure: events.Failure{TaskID: id, ErrorCode: "MPC.10105"},
		Source:  events.Source{Topic: "remux.failed", Partition: partition, Offset: offset},
		Lease:   &lease{at: offset},
	}
}

// leased is implemented by every lease of these tests.
type leased interface{ self() *lease }

func (l *lease) self() *lease { return l }

// add adds an event whose generation lasts as long as ctx.
func (d *harness) add(ctx context.Context, ev Event) (wait func() (*Answer, error)) {
	l := ev.Lease.(leased).self()
	l.ctx, l.cancel = context.WithCancelCause(ctx)
	l.working, l.ended = &d.working, make(chan *Answer, 1)
	d.Add(ev)
	return func() (*Answer, error) {
		defer l.cancel(nil)
		select {
		case a := <-l.ended:
			if a == nil {
				return nil, errReleased
			}
			return a, nil
		case <-l.ctx.Done():
		}
		// The generation has ended, for this event and all others.
		d.working.Wait(clock.System)
		d.Release()
		if a := <-l.ended; a != nil {
			return a, nil
		}
		return nil, context.Cause(l.ctx)
	}
}

// Answer hands an event over and waits for its answer.
func (d *harness) Answer(ctx context.Context, ev Event) (*Answer, error) { return d.add(ctx, ev)() }

// decide answers an event and acknowledges the answer at once.
func (d *harness) decide(ev Event) events.Outcome {
	d.t.Helper()
	answer, err := d.Answer(context.Background(), ev)
	if err != nil {
		d.t.Fatal(err)
	}
	answer.Acknowledged()
	return answer.Outcome
}

// refusal is an error answer of the API.
func refusal(class mpcclient.Class, status int, code string) *mpcclient.Error {
	return &mpcclient.Error{
		Operation: mpcclient.OperationRetry, Class: class, Status: status, Code: code,
		Message: "no", RequestID: "r-1",
	}
}

// queryRefusal is the same for the state query.
func queryRefusal(class mpcclient.Class, status int, code string) *mpcclient.Error {
	e := refusal(class, status, code)
	e.Operation = mpcclient.OperationQuery
	return e
}

// always ends every retry call with err.
func always(err error) func(context.Context, string, int) error {
	return func(context.Context, string, int) error { return err }
}

// first ends the first calls of a task with these errors, one after another; further ones
// are accepted.
func first(errs ...error) func(context.Context, string, int) error {
	return func(_ context.Context, _ string, nth int) error {
		if nth <= len(errs) {
			return errs[nth-1]
		}
		return nil
	}
}

// contextFor ends after d.
func contextFor(d time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.Background(), d)
}
