package outcomes

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/scan"
)

const (
	// parallel is how many partitions are read at once. Each holds one page.
	parallel = 4
	// positionsWithin is how long the group's coordinator may take to answer. Without its
	// answer every unanswered event counts as waiting.
	positionsWithin = 5 * time.Second
)

// reading is one call of Of or Refused.
type reading struct {
	cfg       Config
	wanted    func(id string) bool
	positions map[int]consumer.Position

	mu          sync.Mutex // guards the fields below
	tasks       map[string]*Task
	onlyRefused bool // keep only tasks with a retry_failed outcome
	held        int
	read        int64 // records read so far
	total       int64 // records to read, about
}

// partitionRange is a range of a partition that must be read.
type partitionRange struct {
	partition int
	consumer.Interval
}

func read(ctx context.Context, cfg Config, wanted func(string) bool, onlyRefused bool) (map[string]*Task, error) {
	if cfg.Kafka == nil || cfg.Positions == nil || cfg.Origin == "" || cfg.Failed == "" || cfg.Retried == "" || cfg.RetryFailed == "" {
		return nil, errors.New("outcomes: Kafka, Positions, Origin and the three topics are required")
	}
	cfg.Limit = cmp.Or(cfg.Limit, DefaultLimit)
	if cfg.Progress == nil {
		cfg.Progress = func(int64, int64) {}
	}
	r := &reading{cfg: cfg, wanted: wanted, onlyRefused: onlyRefused, tasks: map[string]*Task{}}
	// Before the topics: the outcome of every event below a position is in the topics by
	// then.
	r.positions = r.committed(ctx)
	for _, part := range []struct {
		topic string
		take  func(*consumer.Record)
	}{{cfg.RetryFailed, r.refusal}, {cfg.Retried, r.retry}, {cfg.Failed, r.failure}} {
		if err := r.topic(ctx, part.topic, part.take); err != nil {
			return nil, err
		}
	}
	for _, t := range r.tasks {
		t.conclude()
	}
	return r.tasks, nil
}

func (r *reading) committed(ctx context.Context) map[int]consumer.Position {
	ctx, cancel := context.WithTimeout(ctx, positionsWithin)
	defer cancel()
	at, err := r.cfg.Positions(ctx)
	if err != nil {
		return nil
	}
	return maps.Clone(at)
}

// since is from when records are read. That is before Config.Since if older events wait:
// events next to them may have been answered earlier.
func (r *reading) since() time.Time {
	since := r.cfg.Since
	for _, at := range r.positions {
		metadata, err := consumer.ParseCommitMetadata(at.Metadata, at.Offset)
		if err == nil && !metadata.Since.IsZero() && metadata.Since.Before(since) {
			since = metadata.Since
		}
	}
	return since
}

// topic reads all partitions of a topic, some in parallel. The first error ends the
// reading.
func (r *reading) topic(ctx context.Context, topic string, take func(*consumer.Record)) error {
	todo, err := r.plan(ctx, topic)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan partitionRange)
	var running sync.WaitGroup
	for range min(parallel, len(todo)) {
		running.Go(func() {
			for s := range next {
				if err := r.partition(ctx, topic, s, take); err != nil {
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

func (r *reading) plan(ctx context.Context, topic string) (todo []partitionRange, err error) {
	n, err := r.cfg.Kafka.Partitions(ctx, topic)
	if err != nil {
		return nil, err
	}
	spans, err := r.cfg.Kafka.Span(ctx, topic, n, r.since())
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for p, span := range spans {
		if at, known := r.positions[p]; topic == r.cfg.Failed && known {
			if at.Offset > span.To { // the commit is for a former log
				delete(r.positions, p)
			} else {
				span.From = min(span.From, at.Offset)
			}
		}
		todo = append(todo, partitionRange{p, span})
		r.total += span.To - span.From
	}
	return todo, nil
}

func (r *reading) partition(ctx context.Context, topic string, s partitionRange, take func(*consumer.Record)) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return scan.Partition(ctx, r.cfg.Kafka, topic, s.partition, s.Interval, func(page consumer.Page) error {
		r.mu.Lock()
		defer r.mu.Unlock()
		for i := range page.Records {
			take(&page.Records[i])
		}
		r.read += int64(len(page.Records))
		r.cfg.Progress(r.read, r.total)
		if r.held > r.cfg.Limit {
			return ErrTooMany
		}
		return nil
	})
}
