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

// ErrNoAnswer is the error where the brokers do not answer, beside its cause.
var ErrNoAnswer = errors.New("the brokers do not answer")

// silence is for how long nothing comes of brokers that do not answer. They hold a
// fetch back for half a second at most.
const silence = 2 * time.Second

// Log is what reading the topics asks of Kafka.
type Log interface {
	scan.Log
	Partitions(ctx context.Context, topic string) (int, error)
	PartitionFor(ctx context.Context, topic string, key []byte) (int, error)
}

// DefaultLimit is the usual Config.Limit: some seconds of reading.
const DefaultLimit = 1_000_000

// parallel is how many partitions are read at once. Each holds one page.
const parallel = 4

// Config of a Reader. All fields but Recovered, Limit, Progress and Refused are
// required.
type Config struct {
	Log Log
	// Failed, Retried, RetryFailed and DeadLetter are the topics' names.
	Failed, Retried, RetryFailed, DeadLetter string
	// Recovered is the topic of the recoveries; empty: there is none.
	Recovered string
	// Positions are what the group has committed for the failed topic.
	Positions func(context.Context) (map[int]consumer.Position, error)
	// Origin is the ce_source of the outcomes that count; those of other groups
	// are left out.
	Origin string
	// Window is how far back is read, but for what the group has not committed.
	Window time.Duration
	// Limit is how many records are looked at for one History. Defaults to
	// DefaultLimit.
	Limit int64
	// Now is the present.
	Now func() time.Time
	// Refused tells the errors by which brokers refuse to have a topic read. The
	// service needs no right to read the dead letters: without it the rest is told.
	// Nil: there are none.
	Refused func(error) bool
	// Progress, where not nil, is told now and then how many records were looked
	// at, of about how many. It may be called from several goroutines.
	Progress func(read, of int64)
}

// Reader reads histories. It is safe for concurrent use.
type Reader struct{ cfg Config }

// New makes a Reader. It reads nothing yet.
func New(cfg Config) (*Reader, error) {
	if cfg.Log == nil || cfg.Positions == nil || cfg.Now == nil || cfg.Window <= 0 || cfg.Origin == "" ||
		cfg.Failed == "" || cfg.Retried == "" || cfg.RetryFailed == "" || cfg.DeadLetter == "" {
		return nil, errors.New("history: Log, Positions, Now, Window, Origin and the four topics are required")
	}
	cfg.Limit = cmp.Or(cfg.Limit, DefaultLimit)
	if cfg.Progress == nil {
		cfg.Progress = func(int64, int64) {}
	}
	return &Reader{cfg}, nil
}

// Task tells what the topics know of a task within the window, and what of it
// waits, however old.
//
// The outcomes are read first: a History that the limit cut short has them all,
// unless they alone exceed it.
//
// With an error the History holds what was read before; where the limit ended
// the reading there is no error, and Complete is false. The error is an
// *events.Unreadable for what cannot be a task's id, and ErrNoAnswer beside others.
func (r *Reader) Task(ctx context.Context, id string) (History, error) {
	return r.tell(ctx, r.telling(id, false), func(t *telling) ([][]stretch, error) {
		asked, since, err := t.asked(ctx)
		if err != nil {
			return nil, err
		}
		topics := t.outcomeTopics()
		if r.cfg.Recovered != "" {
			topics = append(topics, r.cfg.Recovered)
		}
		outcomes, err := t.outcomes(ctx, since, topics)
		return [][]stretch{outcomes, asked}, err
	})
}

// Outcomes is Task without the failure events and the dead letters: a few
// partitions' pages instead of whole topics. It leaves no outcome out, so that
// retries can be counted.
func (r *Reader) Outcomes(ctx context.Context, id string) (History, error) {
	return r.tell(ctx, r.telling(id, true), func(t *telling) ([][]stretch, error) {
		outcomes, err := t.outcomes(ctx, t.since, t.outcomeTopics())
		return [][]stretch{outcomes}, err
	})
}

// telling is one History on its way.
type telling struct {
	r     *Reader
	id    string
	since time.Time
	// committed is how far the group has come in the failed topic, where known.
	committed map[int]int64
	of        int64
	*tally

	mu      sync.Mutex
	notRead []NotRead // guarded by mu

	read       atomic.Int64
	lastAnswer atomic.Int64 // of the brokers, in nanoseconds
}

func (r *Reader) telling(id string, all bool) *telling {
	t := &telling{r: r, id: id, since: r.cfg.Now().Add(-r.cfg.Window), committed: map[int]int64{}, tally: newTally(all)}
	t.heard()
	return t
}

// heard: the brokers have answered.
func (t *telling) heard() { t.lastAnswer.Store(t.r.cfg.Now().UnixNano()) }

// tell reads what is planned, one list after the other.
func (r *Reader) tell(ctx context.Context, t *telling, plan func(*telling) ([][]stretch, error)) (History, error) {
	h := History{TaskID: t.id, Since: t.since, Entries: []Entry{}, ToldOfRecoveries: r.cfg.Recovered != "" && !t.all}
	if err := events.CheckTaskID(t.id); err != nil {
		h.TaskID = ""
		return h, err
	}
	todo, err := plan(t)
	for _, some := range todo {
		for _, s := range some {
			t.of += s.To - s.From
		}
	}
	for i := 0; i < len(todo) && err == nil; i++ {
		err = t.readAll(ctx, todo[i])
	}
	h.Read, h.Complete, h.NotRead = t.read.Load(), err == nil, t.notRead
	t.into(&h, t.committed)
	switch {
	case errors.Is(err, errLimit):
		err = nil
	case t.unanswered(err):
		err = fmt.Errorf("%w: %w", ErrNoAnswer, err)
	}
	return h, err
}

// unanswered tells whether the brokers are what ended the reading. It may have been
// the reader's patience, though they answered all the time.
func (t *telling) unanswered(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return t.r.cfg.Now().UnixNano()-t.lastAnswer.Load() >= int64(silence)
	}
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, new(*net.OpError))
}

var errLimit = errors.New("the limit of records is reached")

// readAll reads some stretches at a time, in their order; the first error ends
// them all.
func (t *telling) readAll(ctx context.Context, todo []stretch) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan stretch)
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

func (t *telling) readOne(ctx context.Context, s stretch) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	err := scan.Partition(ctx, t.r.cfg.Log, s.topic, s.partition, s.Interval, func(page consumer.Page) error {
		t.heard()
		n := int64(len(page.Records))
		over := max(0, t.read.Add(n)-t.r.cfg.Limit)
		kept := max(0, n-over)
		read := t.read.Add(kept - n)
		for i := range page.Records[:kept] {
			if e, ok := t.entry(&page.Records[i]); ok {
				t.add(e)
			}
		}
		t.r.cfg.Progress(read, t.of)
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

// refused notes that the brokers do not let the dead letters be read. The other
// topics matter to the service itself: nothing is told without them.
func (t *telling) refused(topic string, err error) bool {
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
