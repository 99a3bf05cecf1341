package ledger

import (
	"context"
	"errors"
	"fmt"

	"remux-retrier/consumer"
	"remux-retrier/internal/clock"
)

const (
	// pageBytes is how much a page may hold, about, unpacked; parallel is how many
	// are read at once. Together they bound what a catch-up holds.
	pageBytes = 1 << 20
	parallel  = 8
)

// source is a partition of an outcome topic.
type source struct {
	partitionOf
	// next is the offset up to which all decisions are known, and all answers about
	// the partitions that were assigned when it was passed; unread if nothing was read.
	next  int64
	sizer consumer.FetchSizer
}

const unread = -1

func newSource(topic string, partition int) *source {
	return &source{partitionOf: partitionOf{topic, partition}, next: unread, sizer: consumer.NewFetchSizer(pageBytes)}
}

// readAll reads partitions, some at a time, each up to its given end. One that fails does
// not hold up the others.
func (l *Ledger) readAll(ctx context.Context, sources []*source, ends []int64) error {
	var (
		running clock.Group
		slots   = clock.NewSemaphore(l.cfg.Clock, parallel)
		errs    = make([]error, len(sources))
	)
	for i, s := range sources {
		if errs[i] = slots.Acquire(ctx); errs[i] != nil {
			break
		}
		running.Go(l.cfg.Clock, func() {
			defer slots.Release()
			errs[i] = l.read(ctx, s, ends[i])
		})
	}
	running.Wait(l.cfg.Clock)
	return errors.Join(errs...)
}

// align moves a partition's position to where its log has it now, and tells whether
// there is something to read.
func (l *Ledger) align(s *source, span consumer.Interval) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if s.next > span.To {
		l.restart(s, span)
	}
	if s.next < span.From {
		l.skip(s, span.From)
	}
	for _, a := range l.answered {
		if left, ok := a.backlog[s]; ok && left.From < span.From {
			a.read(s, left.From, span.From)
		}
	}
	return l.position(s) < span.To
}

// restart reads a partition of an outcome topic anew that is not what it was. mu is
// held.
func (l *Ledger) restart(s *source, is consumer.Interval) {
	l.status.Recreated++
	l.cfg.Logger.Warnf("%s/%d ends at %d, before %d, up to where it was read: the topic was deleted and created again, or records of it were lost. It is read from its start", s.topic, s.partition, is.To, s.next)
	s.next = unread
	delete(l.own.published, s.partitionOf)
	for _, a := range l.answered {
		delete(a.backlog, s)
	}
}

// skip goes on where the partition begins now. mu is held.
func (l *Ledger) skip(s *source, first int64) {
	if s.next != unread {
		l.status.Missed += first - s.next
		l.cfg.Logger.Warnf("%s/%d begins at %d, after %d, up to where it was read: outcomes were deleted before they were read; raise its retention.ms", s.topic, s.partition, first, s.next)
	}
	s.next = first
}

// position is the lowest offset that is still to be read: that of what is new, behind
// our own outcomes, or that of a backlog. mu is held.
func (l *Ledger) position(s *source) int64 {
	s.next = l.own.pass(s.partitionOf, s.next)
	at := s.next
	for _, a := range l.answered {
		if left, ok := a.backlog[s]; ok {
			at = min(at, left.From)
		}
	}
	return at
}

// read reads a partition up to its end. The page tells where it goes on, not the
// last record: what was aborted or compacted is passed.
func (l *Ledger) read(ctx context.Context, s *source, end int64) error {
	for {
		l.mu.Lock()
		from := l.position(s)
		l.mu.Unlock()
		if from >= end {
			return nil
		}
		page, err := l.cfg.Log.Fetch(ctx, s.topic, s.partition, from, s.sizer.Next())
		if err != nil {
			return err
		}
		s.sizer.Observe(page, page.Next > from)
		for i := range page.Records {
			r := &page.Records[i]
			if l.isOwn(s, r.Offset) {
				continue
			}
			l.take(r, r.Offset >= s.next)
		}
		if page.Next <= from {
			// Not what was asked for is at fault: the log has become shorter, or
			// this broker does not know all of it yet.
			return fmt.Errorf("%s/%d ends at %d now, and ended at %d a moment ago", s.topic, s.partition, page.End, end)
		}
		l.passed(s, from, page.Next)
	}
}

func (l *Ledger) isOwn(s *source, offset int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return offset >= s.next && l.own.has(s.partitionOf, offset)
}

// passed takes note that all from one offset up to another was read.
func (l *Ledger) passed(s *source, from, to int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.answered {
		a.read(s, from, to)
	}
	s.next = max(s.next, to)
}
