package history

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/scan"
)

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

// Config of a Reader. All fields but Limit and Progress are required.
type Config struct {
	Log Log
	// Failed, Retried, RetryFailed and DeadLetter are the topics' names.
	Failed, Retried, RetryFailed, DeadLetter string
	// Origin is the ce_source of the outcomes that count; those of other groups
	// are left out.
	Origin string
	// Window is how far back is read.
	Window time.Duration
	// Limit is how many records are looked at for one History. Defaults to
	// DefaultLimit.
	Limit int64
	// Now is the present.
	Now func() time.Time
	// Progress, where not nil, is told now and then how many records were looked
	// at, of about how many. It may be called from several goroutines.
	Progress func(read, of int64)
}

// Reader reads histories. It is safe for concurrent use.
type Reader struct{ cfg Config }

// New makes a Reader. It reads nothing yet.
func New(cfg Config) (*Reader, error) {
	if cfg.Log == nil || cfg.Now == nil || cfg.Window <= 0 || cfg.Origin == "" ||
		cfg.Failed == "" || cfg.Retried == "" || cfg.RetryFailed == "" || cfg.DeadLetter == "" {
		return nil, errors.New("history: Log, Now, Window, Origin and the four topics are required")
	}
	cfg.Limit = cmp.Or(cfg.Limit, DefaultLimit)
	if cfg.Progress == nil {
		cfg.Progress = func(int64, int64) {}
	}
	return &Reader{cfg}, nil
}

// Task tells what the topics know of a task within the window. Outcomes stand in
// one partition of their topics, chosen by the task's id; the failed and the
// dead-letter topic are read whole, since their producers are not ours.
//
// The outcomes are read first: a History that the limit cut short has them all,
// unless they alone exceed it.
//
// With an error the History holds what was read before; where the limit ended
// the reading there is no error, and Complete is false. The error is an
// *events.Unreadable for what cannot be a task's id.
func (r *Reader) Task(ctx context.Context, id string) (History, error) {
	return r.history(ctx, id, r.outcomes, r.rest)
}

// Outcomes is Task without the failure events and the dead letters: a few
// partitions' pages instead of whole topics.
func (r *Reader) Outcomes(ctx context.Context, id string) (History, error) {
	return r.history(ctx, id, r.outcomes)
}

// stretch is what is to be read of one partition.
type stretch struct {
	topic     string
	partition int
	consumer.Interval
}

// plan finds what is to be read, before any of the next plan's.
type plan func(ctx context.Context, id string, since time.Time) ([]stretch, error)

func (r *Reader) history(ctx context.Context, id string, plans ...plan) (History, error) {
	h := History{TaskID: id, Since: r.cfg.Now().Add(-r.cfg.Window), Entries: []Entry{}}
	if err := events.CheckTaskID(id); err != nil {
		h.TaskID = ""
		return h, err
	}
	t := &telling{r: r, id: id}
	var todo [][]stretch
	for _, p := range plans {
		some, err := p(ctx, id, h.Since)
		if err != nil {
			return h, err
		}
		todo = append(todo, some)
		for _, s := range some {
			t.of += s.To - s.From
		}
	}
	var err error
	for i := 0; i < len(todo) && err == nil; i++ {
		err = t.readAll(ctx, todo[i])
	}
	h.Read, h.Entries = t.read.Load(), append(h.Entries, t.entries...)
	h.Complete = err == nil
	if errors.Is(err, errLimit) {
		err = nil
	}
	h.order()
	return h, err
}

func (r *Reader) outcomes(ctx context.Context, id string, since time.Time) ([]stretch, error) {
	var all []stretch
	for _, topic := range []string{r.cfg.Retried, r.cfg.RetryFailed} {
		p, err := r.cfg.Log.PartitionFor(ctx, topic, []byte(id))
		if err != nil {
			return nil, err
		}
		spans, err := r.cfg.Log.Span(ctx, topic, p+1, since)
		if err != nil {
			return nil, err
		}
		all = append(all, stretch{topic, p, spans[p]})
	}
	return all, nil
}

func (r *Reader) rest(ctx context.Context, id string, since time.Time) ([]stretch, error) {
	var all []stretch
	for _, topic := range []string{r.cfg.DeadLetter, r.cfg.Failed} {
		n, err := r.cfg.Log.Partitions(ctx, topic)
		if err != nil {
			return nil, err
		}
		spans, err := r.cfg.Log.Span(ctx, topic, n, since)
		if err != nil {
			return nil, err
		}
		likely, err := r.cfg.Log.PartitionFor(ctx, topic, []byte(id))
		if err != nil {
			return nil, err
		}
		for i := range n { // the likeliest first, for the limit may end the reading
			p := (likely + i) % n
			all = append(all, stretch{topic, p, spans[p]})
		}
	}
	return all, nil
}

var errLimit = errors.New("the limit of records is reached")

// telling is one History on its way. mu guards entries.
type telling struct {
	r  *Reader
	id string
	of int64

	read    atomic.Int64
	mu      sync.Mutex
	entries []Entry
}

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
	return scan.Partition(ctx, t.r.cfg.Log, s.topic, s.partition, s.Interval, func(page consumer.Page) error {
		n := int64(len(page.Records))
		over := max(0, t.read.Add(n)-t.r.cfg.Limit)
		kept := max(0, n-over)
		read := t.read.Add(kept - n)
		for i := range page.Records[:kept] {
			if e, ok := t.entry(&page.Records[i]); ok {
				t.mu.Lock()
				t.entries = append(t.entries, e)
				t.mu.Unlock()
			}
		}
		t.r.cfg.Progress(read, t.of)
		if over > 0 {
			return fmt.Errorf("%d: %w", t.r.cfg.Limit, errLimit)
		}
		return nil
	})
}
