package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/config"
	"remux-retrier/internal/simulation/memlog"
	"remux-retrier/mpcclient"
)

// harness is an instance with everything but its sockets, in virtual time: Kafka in memory,
// and MPC as scripted by the test.
type harness struct {
	*testing.T
	broker   *memlog.Broker
	member   *memlog.Member
	instance *Instance
	mpc      *fakeMPC
	clock    clock.Clock
	stop     func()
}

// fakeMPC is MPC. By default calls are accepted after 10 ms.
type fakeMPC struct {
	call  func(id string) error // may be nil
	query func() error          // likewise

	mu     sync.Mutex
	calls  map[string]int
	called []time.Time
	states map[string]mpcclient.Status // by task; FAILED if missing
}

func (m *fakeMPC) Retry(_ context.Context, id string) error {
	m.mu.Lock()
	m.calls[id]++
	m.called = append(m.called, time.Now())
	m.mu.Unlock()
	time.Sleep(10 * time.Millisecond)
	if m.call == nil {
		return nil
	}
	return m.call(id)
}

func (m *fakeMPC) Query(_ context.Context, ids []string) (map[string]mpcclient.Task, error) {
	time.Sleep(10 * time.Millisecond)
	if m.query != nil {
		if err := m.query(); err != nil {
			return nil, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	found := map[string]mpcclient.Task{}
	for _, id := range ids {
		status := mpcclient.StatusFailed
		if s, ok := m.states[id]; ok {
			status = s
		}
		found[id] = mpcclient.Task{ID: id, Status: status}
	}
	return found, nil
}

// of counts the calls for a task.
func (m *fakeMPC) of(id string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.calls[id]
}

// refused is an error answer of MPC.
func refused(class mpcclient.Class, status int) error {
	return &mpcclient.Error{Operation: mpcclient.OperationRetry, Class: class, Status: status}
}

// withHarness runs a test in a bubble, with the given number of partitions of each topic.
func withHarness(t *testing.T, partitions int, change func(*config.Config), test func(h *harness)) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(48 * time.Hour) // the bubble's time begins with the year 2000
		b, err := memlog.New(memlog.Config{Clock: clock.System, Topic: "failed", SessionTimeout: 10 * time.Second, RebalanceTimeout: 25 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		for _, topic := range []string{"failed", "retried", "retry_failed", "dlq", "recovered"} {
			b.Create(topic, partitions)
		}
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { b.Run(ctx) })
		h := &harness{T: t, broker: b, mpc: &fakeMPC{calls: map[string]int{}, states: map[string]mpcclient.Status{}}, clock: clock.System}
		h.start("a", change)
		test(h)
		h.stop()
		cancel()
		running.Wait()
	})
}

// start starts an instance.
func (h *harness) start(name string, change func(*config.Config)) {
	cfg := config.Config{
		Kafka: config.Kafka{
			GroupID: "group", TopicFailed: "failed", TopicRetried: "retried", TopicRetryFailed: "retry_failed", TopicDeadLetter: "dlq",
			StartOffset: config.Earliest, SessionTimeout: 10 * time.Second,
		},
		MPC:             config.MPC{RequestsPerMinute: config.Unlimited, MaxInFlight: 64, Timeout: 10 * time.Second},
		Retry:           config.Retry{Budget: 3, BudgetWindow: 24 * time.Hour, MaxAttempts: 5},
		ShutdownTimeout: 25 * time.Second,
	}
	if change != nil {
		change(&cfg)
	}
	log := logrus.New()
	log.SetOutput(io.Discard)
	gate, err := NewGate(cfg, clock.System, log)
	if err != nil {
		h.Fatal(err)
	}
	var mu sync.Mutex
	random := rand.New(rand.NewPCG(1, 2))
	h.member = h.broker.Member(name)
	h.instance, err = NewInstance(cfg, Parts{Client: h.member, API: h.mpc, Gate: gate, Clock: h.clock, Logger: log, Rand: func() float64 {
		mu.Lock()
		defer mu.Unlock()
		return random.Float64()
	}})
	if err != nil {
		h.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		h.instance.Run(ctx)
		close(done)
	}()
	h.stop = func() {
		cancel()
		<-done
	}
}

// fail appends failure events of a task.
func (h *harness) fail(partition int, task string, n int) {
	for range n {
		h.broker.Append("failed", partition, consumer.Message{Key: []byte(task), Value: fmt.Appendf(nil, `{"task_id":%q}`, task)})
	}
}

// answers counts the outcomes of a task by reason.
func (h *harness) answers(task string) map[events.Reason]int { return h.answersOfAll()[task] }

// answersOfAll counts the outcomes of each task by reason.
func (h *harness) answersOfAll() map[string]map[events.Reason]int {
	n := map[string]map[events.Reason]int{}
	for _, topic := range []string{"retried", "retry_failed"} {
		for _, r := range h.broker.Records(topic) {
			var o struct {
				Reason events.Reason `json:"reason"`
			}
			if err := json.Unmarshal(r.Value, &o); err != nil {
				h.Fatal(err)
			}
			task := string(r.Key)
			if n[task] == nil {
				n[task] = map[events.Reason]int{}
			}
			n[task][o.Reason]++
		}
	}
	return n
}

// alwaysFailing makes all calls for one task fail.
func alwaysFailing(class mpcclient.Class, status int) func(string) error {
	return func(id string) error {
		if id == "alwaysFailing" {
			return refused(class, status)
		}
		return nil
	}
}

// traffic fails a new task at an interval, in any partition from first on.
func (h *harness) traffic(first, partitions int, every, lasts time.Duration) {
	for i := 0; time.Duration(i)*every < lasts; i++ {
		time.Sleep(every)
		h.fail(first+i%(partitions-first), fmt.Sprint("other", i), 1)
	}
}
