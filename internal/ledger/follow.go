package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/backoff"
	"remux-retrier/internal/clock"
)

const (
	// followInterval is how often the topics are asked for what is new.
	followInterval = time.Second
	// pageBytes is how much a page may hold, about, unpacked; parallel is how many
	// are read at once. Together they bound what a catch-up holds.
	pageBytes = 1 << 20
	parallel  = 8

	backoffBase = 100 * time.Millisecond
	backoffMax  = 5 * time.Second
)

// topic is an outcome topic as far as it was read.
type topic struct {
	name   string
	next   []int64 // to be read, by partition; unread if nothing was
	hunger []consumer.FetchSizer
}

const unread = -1

// CatchUp makes the ledger that of a new assignment, and returns once all
// partitions of all outcome topics were read up to their ends as they are now:
// what any member has published before is known then. However long Kafka cannot
// be read, only the context ends it.
func (l *Ledger) CatchUp(ctx context.Context, a consumer.Assignment) error {
	if err := l.turn.Acquire(ctx); err != nil {
		return err
	}
	defer l.turn.Release()
	kept := l.assign(a)
	if err := l.persist(ctx, func() error { return l.rewind(ctx, a.Since, kept) }); err != nil {
		return err
	}
	l.begun = true
	if err := l.persist(ctx, func() error { return l.advance(ctx) }); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.CaughtUp = true
	return nil
}

// assign begins to keep the answers of these partitions, and of no others. It
// tells whether all that the assignment needs of what was read before is kept: a
// rebalance gives most members nothing new.
//
// The answers of a partition are kept if they were known when it was assigned
// before, unless it goes on below where they were let go. Without Since something
// is wrong with what was committed; then all is read again.
func (l *Ledger) assign(a consumer.Assignment) (kept bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	usable := l.status.CaughtUp && !a.Since.IsZero()
	kept = usable
	l.status.CaughtUp = false
	before := l.answered
	l.answered = map[int]*answered{}
	for _, p := range a.Partitions {
		known, low := before[p], a.Committed[p]
		if !usable || known == nil || low < known.low {
			kept, known = false, newAnswered()
		}
		known.recreated, known.asked = false, 0 // is noticed once in an assignment; asked about from low on
		if !a.Since.IsZero() {
			known.raise(low)
		}
		l.answered[p] = known
	}
	return kept
}

// persist repeats what fails until it does not.
func (l *Ledger) persist(ctx context.Context, f func() error) error {
	wait := backoff.Backoff{Base: backoffBase, Max: backoffMax, Rand: l.cfg.Rand}
	for {
		err := f()
		if err == nil {
			l.waiting.Over("the ledger can be read again")
			return nil
		}
		if ctx.Err() == nil {
			l.waiting.Problem("waiting for the ledger: " + err.Error())
		}
		if err := l.cfg.Clock.Sleep(ctx, wait.Next()); err != nil {
			return err
		}
	}
}

// rewind goes back to where the oldest answer may stand that the assignment needs
// (no older than since; nowhere if all are kept) or, in topics with partitions not
// read so far, the oldest decision of the window. Reading a record twice does no
// harm.
func (l *Ledger) rewind(ctx context.Context, since time.Time, kept bool) error {
	for _, t := range l.topics {
		fresh, err := l.count(ctx, t)
		if err != nil {
			return err
		}
		from := since
		if window := l.cfg.Clock.Now().Add(-l.cfg.Window); fresh && from.After(window) {
			from = window
		}
		if !from.IsZero() {
			from = from.Add(-skew)
		}
		spans, err := l.cfg.Log.Span(ctx, t.name, len(t.next), from)
		if err != nil {
			return err
		}
		for p, span := range spans {
			switch {
			case t.next[p] > span.To:
				l.restart(t, p, span)
			case t.next[p] == unread || t.next[p] > span.From && !kept:
				t.next[p] = span.From
			}
		}
	}
	return nil
}

// count follows a topic's number of partitions, and tells whether there are
// unread ones.
func (l *Ledger) count(ctx context.Context, t *topic) (fresh bool, err error) {
	n, err := l.cfg.Log.Partitions(ctx, t.name)
	if err != nil {
		return false, err
	}
	if n < len(t.next) { // Kafka takes no partition away: it is another topic
		for p := range t.next {
			l.restart(t, p, consumer.Interval{})
		}
		t.next, t.hunger = t.next[:n], t.hunger[:n]
	}
	for len(t.next) < n {
		t.next, t.hunger = append(t.next, unread), append(t.hunger, consumer.NewFetchSizer(pageBytes))
	}
	for _, next := range t.next {
		fresh = fresh || next == unread
	}
	return fresh, nil
}

// restart reads a partition of an outcome topic anew that is not what it was.
func (l *Ledger) restart(t *topic, p int, is consumer.Interval) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.Recreated++
	l.cfg.Logger.Warnf("%s/%d ends at %d, before %d, up to where it was read: the topic was deleted and created again, or records of it were lost. It is read from its start", t.name, p, is.To, t.next[p])
	t.next[p] = unread
}

// advance reads what is new in all topics, up to their ends as they are now.
func (l *Ledger) advance(ctx context.Context) error {
	l.expire()
	for _, t := range l.topics {
		if _, err := l.count(ctx, t); err != nil {
			return err
		}
		spans, err := l.cfg.Log.Span(ctx, t.name, len(t.next), time.Time{})
		if err != nil {
			return err
		}
		if err := l.readAll(ctx, t, spans); err != nil {
			return err
		}
	}
	return nil
}

// readAll reads the partitions of a topic, some at a time, each up to its end.
// One that fails does not hold up the others.
func (l *Ledger) readAll(ctx context.Context, t *topic, spans []consumer.Interval) error {
	var (
		running clock.Group
		slots   = clock.NewSemaphore(l.cfg.Clock, parallel)
		errs    = make([]error, len(spans))
	)
	for p, span := range spans {
		if t.next[p] > span.To {
			l.restart(t, p, span)
		}
		if t.next[p] < span.From {
			l.skip(t, p, span.From)
		}
		if t.next[p] >= span.To {
			continue
		}
		if errs[p] = slots.Acquire(ctx); errs[p] != nil {
			break
		}
		running.Go(l.cfg.Clock, func() {
			defer slots.Release()
			errs[p] = l.read(ctx, t, p, span.To)
		})
	}
	running.Wait(l.cfg.Clock)
	return errors.Join(errs...)
}

// skip goes on where the partition begins now.
func (l *Ledger) skip(t *topic, p int, first int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if t.next[p] != unread {
		l.status.Missed += first - t.next[p]
		l.cfg.Logger.Warnf("%s/%d begins at %d, after %d, up to where it was read: outcomes were deleted before they were read; raise its retention.ms", t.name, p, first, t.next[p])
	}
	t.next[p] = first
}

// read reads a partition up to its end. The page tells where it goes on, not the
// last record: what was aborted or compacted is passed.
func (l *Ledger) read(ctx context.Context, t *topic, p int, end int64) error {
	hunger := &t.hunger[p]
	for t.next[p] < end {
		page, err := l.cfg.Log.Fetch(ctx, t.name, p, t.next[p], hunger.Next())
		if err != nil {
			return err
		}
		hunger.Observe(page, page.Next > t.next[p])
		for i := range page.Records {
			l.take(&page.Records[i])
		}
		if page.Next <= t.next[p] {
			// Not what was asked for is at fault: the log has become shorter, or
			// this broker does not know all of it yet.
			return fmt.Errorf("%s/%d ends at %d now, and ended at %d a moment ago", t.name, p, page.End, end)
		}
		t.next[p] = page.Next
	}
	return nil
}

// Run follows the topics until the context is done, from the first assignment on.
// Whatever fails is tried again a second later.
func (l *Ledger) Run(ctx context.Context) {
	for l.cfg.Clock.Sleep(ctx, followInterval) == nil {
		if l.turn.Acquire(ctx) != nil {
			return
		}
		l.follow(ctx)
		l.turn.Release()
	}
}

func (l *Ledger) follow(ctx context.Context) {
	if !l.begun {
		return
	}
	switch err := l.advance(ctx); {
	case err == nil:
		l.waiting.Over("the ledger can be read again")
	case ctx.Err() == nil:
		l.waiting.Problem("the ledger cannot be followed: " + err.Error())
	}
}
