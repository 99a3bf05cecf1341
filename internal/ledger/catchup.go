package ledger

import (
	"context"
	"sort"
	"time"

	"remux-retrier/consumer"
)

// CatchUp makes the ledger that of a new assignment, and returns once all
// partitions of all outcome topics were read up to their ends as they are now:
// what any member has published before is known then. However long Kafka cannot
// be read, only the context ends it. What was read by then is kept: the next one goes
// on there.
func (l *Ledger) CatchUp(ctx context.Context, a consumer.Assignment) error {
	if err := l.turn.Acquire(ctx); err != nil {
		return err
	}
	defer l.turn.Release()
	l.assign(a)
	if err := l.retry(ctx, func() error { return l.rewind(ctx, a.Since) }); err != nil {
		return err
	}
	l.begun = true
	if err := l.retry(ctx, func() error { return l.advance(ctx) }); err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.CaughtUp = true
	return nil
}

// assign begins to keep the answers of these partitions, and of no others. A
// rebalance gives most members nothing new: the answers of a partition that was
// assigned before are kept, together with what is left to read of them, unless it
// goes on below where they were dropped. Without Since something is wrong with what
// was committed; then answers must be known however old they are.
func (l *Ledger) assign(a consumer.Assignment) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status.CaughtUp = false
	before := l.answered
	l.answered = map[int]*answered{}
	for _, p := range a.Partitions {
		known, low := before[p], a.Committed[p]
		if !known.continues(low, a.Since.IsZero()) {
			known = newAnswered()
			known.whole = a.Since.IsZero()
		}
		known.recreated, known.asked = false, 0 // is noticed once in an assignment; asked about from low on
		if !a.Since.IsZero() {
			known.raise(low)
		}
		l.answered[p] = known
	}
	// Of outcomes of ours that were passed over, the events were noted if their
	// partitions were assigned then.
	clear(l.own.published)
}

// rewind decides where to begin: in partitions of the outcome topics that were not
// read so far, with the oldest decision of the window; for partitions that are newly
// assigned, with the oldest answer that the assignment needs, which is no older than
// since.
func (l *Ledger) rewind(ctx context.Context, since time.Time) error {
	for _, t := range l.topics {
		if err := l.count(ctx, t); err != nil {
			return err
		}
	}
	if err := l.startTimeline(ctx); err != nil {
		return err
	}
	l.mu.Lock()
	now := l.timeline.now()
	fresh := l.fresh()
	l.mu.Unlock()
	switch {
	case since.IsZero():
	case since.After(l.cfg.Clock.Wall().Add(skew)): // a clock was wrong when that was committed
		since = time.Time{}
	case since.After(now):
		since = now.Add(-skew)
	default:
		since = since.Add(-skew)
	}
	if !fresh {
		return nil
	}
	for _, t := range l.topics {
		window, err := l.cfg.Log.Span(ctx, t.name, len(t.sources), now.Add(-l.cfg.Window-skew))
		if err != nil {
			return err
		}
		needed, err := l.cfg.Log.Span(ctx, t.name, len(t.sources), since)
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

// fresh tells whether there is an assigned partition, or one of an outcome topic, for
// which it is not decided where to begin. mu is held.
func (l *Ledger) fresh() bool {
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

// place sets where to begin in a topic.
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

// startTimeline finds the newest record of the outcome topics, to ten minutes, unless
// there is one as young as the wall clock has it: see timeline.
func (l *Ledger) startTimeline(ctx context.Context) error {
	l.mu.Lock()
	started := l.timeline.started
	l.mu.Unlock()
	if started {
		return nil
	}
	wall := l.cfg.Clock.Wall()
	var failure error
	older := func(than time.Time) bool { // all records are
		for _, t := range l.topics {
			if failure != nil {
				return false
			}
			var spans []consumer.Interval
			spans, failure = l.cfg.Log.Span(ctx, t.name, len(t.sources), than)
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
			newest = time.Time{} // there is none
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
