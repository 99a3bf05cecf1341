package ledger

import (
	"context"
	"sort"
	"time"

	"remux-retrier/consumer"
)

// CatchUp starts a new assignment. It returns when all partitions of all outcome topics are
// read up to their current ends: then everything that any member published before is known.
// Only the context ends it, however long Kafka cannot be read. What was read by then is
// kept, and the next CatchUp continues there.
func (l *Ledger) CatchUp(ctx context.Context, a consumer.Assignment) error {
	if err := l.reading.Acquire(ctx); err != nil {
		return err
	}
	defer l.reading.Release()
	l.assign(a)
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.status.Reading = false
	}()
	if err := l.retry(ctx, func() error { return l.rewind(ctx, a.Since) }); err != nil {
		return err
	}
	l.started = true
	if err := l.retry(ctx, func() error { return l.advance(ctx) }); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.CaughtUp = true
	return nil
}

// assign keeps the answers of these partitions only. A rebalance gives most members nothing
// new: answers of a partition that was assigned before are kept, with their backlog, unless
// it now starts below where they were dropped. Without Since the committed metadata was
// unusable, so answers must be known however old they are.
func (l *Ledger) assign(a consumer.Assignment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.CaughtUp, l.status.Reading = false, true
	before := l.answered
	l.answered = map[int]*answered{}
	for _, p := range a.Partitions {
		known, low := before[p], a.Committed[p]
		if !known.continues(low, a.Since.IsZero()) {
			known = newAnswered()
			known.whole = a.Since.IsZero()
		}
		known.recreated, known.asked = false, 0 // per assignment: reported once, asked about from low on
		if !a.Since.IsZero() {
			known.raise(low)
		}
		l.answered[p] = known
	}
	// Outcomes of ours that were to be skipped may answer events of partitions that were not
	// assigned when they were published; read them back.
	clear(l.own.published)
}

// rewind decides where to start reading: in outcome partitions not read so far, at the
// oldest decision of the window; for newly assigned partitions, at the oldest answer that
// the assignment needs, which is not older than since.
func (l *Ledger) rewind(ctx context.Context, since time.Time) error {
	for _, t := range l.topics {
		if err := l.updatePartitions(ctx, t); err != nil {
			return err
		}
	}
	if err := l.startTimeline(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	now := l.timeline.now()
	missing := l.startMissing()
	l.mu.Unlock()
	switch {
	case since.IsZero():
	case since.After(l.cfg.Clock.Wall().Add(skew)): // a clock was wrong at that commit
		since = time.Time{}
	case since.After(now):
		since = now.Add(-skew)
	default:
		since = since.Add(-skew)
	}
	if !missing {
		return nil
	}
	for _, t := range l.topics {
		window, err := l.cfg.Client.Span(ctx, t.name, len(t.sources), now.Add(-l.cfg.Window-skew))
		if err != nil {
			return err
		}
		needed, err := l.cfg.Client.Span(ctx, t.name, len(t.sources), since)
		if err != nil {
			return err
		}
		l.place(t, window, needed)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.answered {
		a.placed = true
	}
	return nil
}

// startMissing reports whether an assigned partition or an outcome partition has no start
// position yet. mu is held.
func (l *Ledger) startMissing() bool {
	for _, a := range l.answered {
		if !a.placed {
			return true
		}
	}
	for _, t := range l.topics {
		for _, s := range t.sources {
			if s.next == unread {
				return true
			}
		}
	}
	return false
}

// place sets the start positions in a topic.
func (l *Ledger) place(t *topic, window, needed []consumer.Interval) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p, s := range t.sources {
		if s.next > window[p].To {
			l.restart(s, window[p])
		}
		if s.next == unread {
			s.next = window[p].From
		}
		for _, a := range l.answered {
			if from := needed[p].From; !a.placed && from < s.next {
				a.backlog[s] = consumer.Interval{From: from, To: s.next}
			}
		}
	}
}

// startTimeline finds the time of the newest record of the outcome topics, to ten minutes,
// unless there is a record as recent as the wall clock; see timeline.
func (l *Ledger) startTimeline(ctx context.Context) error {
	l.mu.Lock()
	started := l.timeline.started
	l.mu.Unlock()
	if started {
		return nil
	}
	wall := l.cfg.Clock.Wall()
	var failure error
	older := func(than time.Time) bool { // whether all records are older
		for _, t := range l.topics {
			if failure != nil {
				return false
			}
			var spans []consumer.Interval
			spans, failure = l.cfg.Client.Span(ctx, t.name, len(t.sources), than)
			for _, span := range spans {
				if span.From < span.To {
					return false
				}
			}
		}
		return true
	}
	newest := wall
	if older(wall.Add(-skew)) {
		if older(time.Time{}) {
			newest = time.Time{} // there are no records
		} else {
			steps := int(wall.Sub(year2000) / skew)
			ago := sort.Search(steps, func(n int) bool { return !older(wall.Add(-time.Duration(n) * skew)) })
			newest = wall.Add(-time.Duration(ago) * skew)
		}
	}
	if failure != nil {
		return failure
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.timeline.start(newest)
	return nil
}
