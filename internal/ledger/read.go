package ledger

import (
	"context"
	"errors"
	"fmt"

	"remux-retrier/consumer"
	"remux-retrier/internal/clock"
)

const (
	// pageBytes is about how much a page may hold unpacked. parallel is how many are read
	// at once. Together they bound the memory of a catch-up.
	pageBytes = 1 << 20
	parallel  = 8
)

// source is one partition of an outcome topic.
type source struct {
	topicPartition
	// next is the offset up to which all decisions are known, and all answers about
	// partitions that were assigned when it was read. unread: nothing was read.
	next  int64
	sizer consumer.FetchSizer
}

const unread = -1

func newSource(topic string, partition int) *source {
	return &source{topicPartition: topicPartition{topic, partition}, next: unread, sizer: consumer.NewFetchSizer(pageBytes)}
}

// readAll reads partitions in parallel, each up to its given end. A failure of one does not
// stop the others.
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

// align moves a partition's position into the range that its log has now, and reports
// whether there is something to read.
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

// restart starts over with an outcome partition whose log has been replaced. mu is held.
func (l *Ledger) restart(s *source, span consumer.Interval) {
	l.status.Recreated++
	l.cfg.Logger.Warnf("%s/%d ends at %d, but was read up to %d: the topic was deleted and recreated, or lost records. Reading it from its start", s.topic, s.partition, span.To, s.next)
	s.next = unread
	delete(l.own.published, s.topicPartition)
	for _, a := range l.answered {
		delete(a.backlog, s)
	}
}

// skip continues where the partition starts now. mu is held.
func (l *Ledger) skip(s *source, first int64) {
	if s.next != unread {
		l.status.Missed += first - s.next
		l.cfg.Logger.Warnf("%s/%d starts at %d, but was read only up to %d: outcomes were deleted before they were read; raise its retention.ms", s.topic, s.partition, first, s.next)
	}
	s.next = first
}

// position is the lowest offset still to be read: of the new outcomes, after our own ones,
// or of a backlog. mu is held.
func (l *Ledger) position(s *source) int64 {
	s.next = l.own.skip(s.topicPartition, s.next)
	at := s.next
	for _, a := range l.answered {
		if left, ok := a.backlog[s]; ok {
			at = min(at, left.From)
		}
	}
	return at
}

// read reads a partition up to end. It continues at page.Next, not after the last record:
// aborted and compacted records are skipped.
func (l *Ledger) read(ctx context.Context, s *source, end int64) error {
	for {
		l.mu.Lock()
		from := l.position(s)
		l.mu.Unlock()
		if from >= end {
			return nil
		}
		page, err := l.cfg.Client.Fetch(ctx, s.topic, s.partition, from, s.sizer.Next())
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
			// The log has become shorter, or this broker does not know all of it yet.
			return fmt.Errorf("%s/%d now ends at %d, but ended at %d a moment ago", s.topic, s.partition, page.End, end)
		}
		l.passed(s, from, page.Next)
	}
}

func (l *Ledger) isOwn(s *source, offset int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return offset >= s.next && l.own.has(s.topicPartition, offset)
}

// passed notes that everything from one offset up to another was read.
func (l *Ledger) passed(s *source, from, to int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.answered {
		a.read(s, from, to)
	}
	s.next = max(s.next, to)
}
