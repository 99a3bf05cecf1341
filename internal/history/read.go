package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/scan"
)

// ErrNoAnswer means that the brokers do not answer. Errors that wrap it also wrap the
// cause.
var ErrNoAnswer = errors.New("the brokers do not answer")

// silence is how long brokers must be silent to be called unresponsive. They delay a fetch
// by at most half a second.
const silence = 2 * time.Second

// Kafka is the part of the Kafka client that history needs.
type Kafka interface {
	scan.Kafka
	Partitions(ctx context.Context, topic string) (int, error)
	PartitionFor(ctx context.Context, topic string, key []byte) (int, error)
}

// DefaultLimit is the default of Config.Limit. It takes some seconds to read.
const DefaultLimit = 1_000_000

// parallel is how many partitions are read at once. Each holds one page.
const parallel = 4

// Config of a Reader. All fields but Recovered, Limit, Progress and Refused are
// required.
type Config struct {
	Kafka Kafka
	// Failed, Retried, RetryFailed and DeadLetter are the topics' names.
	Failed, Retried, RetryFailed, DeadLetter string
	// Recovered is the topic of the recoveries; empty: there is none.
	Recovered string
	// Positions returns what the group has committed for the failed topic, by partition.
	Positions func(context.Context) (map[int]consumer.Position, error)
	// Origin is the ce_source of this group's outcomes. Others are left out.
	Origin string
	// Window is how far back the topics are read. Older failure events are read only if
	// the group has not committed them.
	Window time.Duration
	// Limit is how many records are read for one History. Defaults to DefaultLimit.
	Limit int64
	// Now returns the current time.
	Now func() time.Time
	// Refused tells whether an error means that the brokers do not allow a topic to be
	// read. The service does not need the right to read the dead letters: without it they
	// are left out. Defaults to nil: no error means that.
	Refused func(error) bool
	// Progress is called now and then with the number of records read so far, and about
	// how many there are. It may be called from several goroutines. Defaults to nil.
	Progress func(read, total int64)
}

// Reader reads histories. It is safe for concurrent use.
type Reader struct{ cfg Config }

// New makes a Reader. It reads nothing yet.
func New(cfg Config) (*Reader, error) {
	if cfg.Kafka == nil || cfg.Positions == nil || cfg.Now == nil || cfg.Window <= 0 || cfg.Origin == "" ||
		cfg.Failed == "" || cfg.Retried == "" || cfg.RetryFailed == "" || cfg.DeadLetter == "" {
		return nil, errors.New("history: Kafka, Positions, Now, Window, Origin and the four topics are required")
	}
	cfg.Limit = cmp.Or(cfg.Limit, DefaultLimit)
	if cfg.Progress == nil {
		cfg.Progress = func(int64, int64) {}
	}
	return &Reader{cfg}, nil
}

// Task reads what the topics contain about a task within the window, and its older events
// that still wait.
//
// Outcomes are read first: if the limit ends the reading, all outcomes are there, unless
// they alone exceed it.
//
// With an error, the History has what was read before it. At the limit there is no error,
// but Complete is false. The error is an *events.Unreadable if id cannot be a task's id,
// and wraps ErrNoAnswer if the brokers do not answer.
func (r *Reader) Task(ctx context.Context, id string) (History, error) {
	return r.run(ctx, r.newReading(id, false), func(t *reading) ([][]section, error) {
		failureEvents, since, err := t.planEvents(ctx)
		if err != nil {
			return nil, err
		}
		topics := t.outcomeTopics()
		if r.cfg.Recovered != "" {
			topics = append(topics, r.cfg.Recovered)
		}
		outcomes, err := t.planOutcomes(ctx, since, topics)
		return [][]section{outcomes, failureEvents}, err
	})
}

// Outcomes is Task without failure events, dead letters and recoveries: it reads two
// partitions instead of whole topics. It leaves out no outcome of the window, so that
// retries can be counted.
func (r *Reader) Outcomes(ctx context.Context, id string) (History, error) {
	return r.run(ctx, r.newReading(id, true), func(t *reading) ([][]section, error) {
		outcomes, err := t.planOutcomes(ctx, t.since, t.outcomeTopics())
		return [][]section{outcomes}, err
	})
}

// reading is the state while one History is read.
type reading struct {
	r     *Reader
	id    string
	since time.Time
	// onlyOutcomes: neither failure events nor dead letters and recoveries are read, and no
	// outcome is dropped.
	onlyOutcomes bool
	// committed are the group's offsets in the failed topic, as far as known.
	committed map[int]int64
	total     int64 // records to read, about
	*collector

	mu      sync.Mutex
	notRead []NotRead // guarded by mu

	read       atomic.Int64
	lastAnswer atomic.Int64 // of the brokers, in nanoseconds
}

func (r *Reader) newReading(id string, onlyOutcomes bool) *reading {
	t := &reading{r: r, id: id, since: r.cfg.Now().Add(-r.cfg.Window), committed: map[int]int64{}, onlyOutcomes: onlyOutcomes, collector: newCollector(onlyOutcomes)}
	t.brokersAnswered()
	return t
}

// brokersAnswered records the time of the brokers' last answer.
func (t *reading) brokersAnswered() { t.lastAnswer.Store(t.r.cfg.Now().UnixNano()) }

// run reads what is planned, one list after the other.
func (r *Reader) run(ctx context.Context, t *reading, plan func(*reading) ([][]section, error)) (History, error) {
	h := History{TaskID: t.id, Since: t.since, Entries: []Entry{}, RecoveriesRead: r.cfg.Recovered != "" && !t.onlyOutcomes}
	if err := events.CheckTaskID(t.id); err != nil {
		h.TaskID = ""
		return h, err
	}
	todo, err := plan(t)
	for _, some := range todo {
		for _, s := range some {
			t.total += s.To - s.From
		}
	}
	for i := 0; i < len(todo) && err == nil; i++ {
		err = t.readAll(ctx, todo[i])
	}
	h.Read, h.Complete, h.NotRead = t.read.Load(), err == nil, t.notRead
	t.fill(&h, t.committed)
	switch {
	case errors.Is(err, errLimit):
		err = nil
	case t.brokersSilent(err):
		err = fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	return h, err
}

// brokersSilent tells whether the reading ended because the brokers do not answer. It may
// also have ended at the caller's deadline, while they answered.
func (t *reading) brokersSilent(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return t.r.cfg.Now().UnixNano()-t.lastAnswer.Load() >= int64(silence)
	}
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, new(*net.OpError))
}

var errLimit = errors.New("the limit of records is reached")

// readAll reads the sections in their order, several at a time. The first error ends all.
func (t *reading) readAll(ctx context.Context, todo []section) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan section)
	var running sync.WaitGroup
	for range min(parallel, len(todo)) {
		running.Go(func() {
			for s := range next {
				if err := t.readOne(ctx, s); err != nil {
					cancel(err)
				}
			}
		})
	}
	for _, s := range todo {
		next <- s
	}
	close(next)
	running.Wait()
	return context.Cause(ctx)
}

func (t *reading) readOne(ctx context.Context, s section) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err := scan.Partition(ctx, t.r.cfg.Kafka, s.topic, s.partition, s.Interval, func(page consumer.Page) error {
		t.brokersAnswered()
		n := int64(len(page.Records))
		over := max(0, t.read.Add(n)-t.r.cfg.Limit)
		kept := max(0, n-over)
		read := t.read.Add(kept - n)
		for i := range page.Records[:kept] {
			if e, ok := t.entry(&page.Records[i]); ok {
				t.add(e)
			}
		}
		t.r.cfg.Progress(read, t.total)
		if over > 0 {
			return fmt.Errorf("%d: %w", t.r.cfg.Limit, errLimit)
		}
		return nil
	})
	if t.refused(s.topic, err) {
		return nil
	}
	return err
}

// refused tells whether err means that the brokers do not allow the dead letters to be
// read, and records it. For the other topics this is an error: the service needs them.
func (t *reading) refused(topic string, err error) bool {
	if err == nil || topic != t.r.cfg.DeadLetter || t.r.cfg.Refused == nil || !t.r.cfg.Refused(err) {
		return false
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !slices.ContainsFunc(t.notRead, func(n NotRead) bool { return n.Topic == topic }) {
		t.notRead = append(t.notRead, NotRead{topic, err.Error()})
	}
	return true
}
