package ledger

import (
	"context"
	"errors"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/backoff"
)

const (
	// followInterval is how often the topics are checked for new outcomes.
	followInterval = time.Second

	backoffBase = 100 * time.Millisecond
	backoffMax  = 5 * time.Second
)

// topic is an outcome topic.
type topic struct {
	name    string
	sources []*source // by partition
}

// updatePartitions updates the list of a topic's partitions.
func (l *Ledger) updatePartitions(ctx context.Context, t *topic) error {
	n, err := l.cfg.Client.Partitions(ctx, t.name)
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if n < len(t.sources) { // partitions never decrease: it is a different topic
		for _, s := range t.sources {
			l.restart(s, consumer.Interval{})
		}
		t.sources = t.sources[:n]
	}
	for len(t.sources) < n {
		t.sources = append(t.sources, newSource(t.name, len(t.sources)))
	}
	return nil
}

// advance reads what is new in all topics, up to their current ends.
func (l *Ledger) advance(ctx context.Context) error {
	l.expire()
	var unfinished []*source
	var ends []int64
	for _, t := range l.topics {
		if err := l.updatePartitions(ctx, t); err != nil {
			return err
		}
		spans, err := l.cfg.Client.Span(ctx, t.name, len(t.sources), time.Time{})
		if err != nil {
			return err
		}
		for p, s := range t.sources {
			if l.align(s, spans[p]) {
				unfinished, ends = append(unfinished, s), append(ends, spans[p].To)
			}
		}
	}
	if len(unfinished) == 0 {
		return nil
	}
	if err := l.readRanges(ctx); err != nil {
		return err
	}
	return l.readAll(ctx, unfinished, ends)
}

// readRanges reads the ranges of the failed topic's partitions. No outcome that is about to
// be read can cover events above these ends: its call was sent before.
func (l *Ledger) readRanges(ctx context.Context) error {
	var spans []consumer.Interval
	n, err := l.cfg.Client.Partitions(ctx, l.cfg.FailedTopic)
	if err == nil {
		spans, err = l.cfg.Client.Span(ctx, l.cfg.FailedTopic, n, time.Time{})
	}
	if err != nil && !errors.Is(err, consumer.ErrUnknownTopic) {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logs.ranges = spans
	return nil
}

// Run follows the topics until the context is done, starting with the first assignment.
// Failures are retried a second later.
func (l *Ledger) Run(ctx context.Context) {
	for l.cfg.Clock.Sleep(ctx, followInterval) == nil {
		if l.reading.Acquire(ctx) != nil {
			return
		}
		if l.started {
			l.noteReading(ctx, l.advance(ctx))
		}
		l.reading.Release()
	}
}

// retry repeats f until it succeeds or the context ends.
func (l *Ledger) retry(ctx context.Context, f func() error) error {
	wait := backoff.Backoff{Base: backoffBase, Max: backoffMax, Rand: l.cfg.Rand}
	for {
		err := f()
		l.noteReading(ctx, err)
		if err == nil {
			return nil
		}
		if err := l.cfg.Clock.Sleep(ctx, wait.Next()); err != nil {
			return err
		}
	}
}

// noteReading logs when reading begins to fail, and when it works again.
func (l *Ledger) noteReading(ctx context.Context, err error) {
	switch {
	case err == nil:
		l.trouble.Over("the outcome topics can be read again")
	case ctx.Err() == nil:
		l.trouble.Failed("cannot read the outcome topics", err)
	}
}
