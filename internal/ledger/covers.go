package ledger

import (
	"math"
	"time"

	"remux-retrier/events"
)

// setCovers keeps the covers of an outcome decided at the given time, up to a limit. Covers
// of the event's own partition come first.
func (s *decisions) setCovers(d *decision, o *events.Outcome, at int64) {
	kept, most := 0, maxCovers
	if s.covers.len() >= manyCovers {
		most = maxCoversIfMany
	}
	for _, own := range []bool{true, false} {
		for _, c := range o.Covers {
			if (c.Partition == o.Source.Partition) != own || kept == most || c.End <= 0 || c.Partition < 0 || c.Partition > math.MaxInt32 {
				continue
			}
			epoch := s.epochs[int32(c.Partition)]
			if at < epoch.since-skew.Milliseconds() { // an old outcome that is read late
				continue
			}
			now := coverEnd{end: c.End, logID: c.LogID, partition: int32(c.Partition), epoch: epoch.number}
			if kept++; kept == 1 {
				d.first = now
				continue
			}
			number := s.covers.take()
			now.next, d.first.next = d.first.next, number
			*s.covers.at(number) = now
		}
	}
}

func (s *decisions) releaseCovers(d *decision) {
	for d.first.next != 0 {
		number := d.first.next
		d.first.next = s.covers.at(number).next
		s.covers.release(number)
	}
}

// coversOf iterates over a decision's covers.
func (s *decisions) coversOf(d *decision) func(yield func(*coverEnd) bool) {
	return func(yield func(*coverEnd) bool) {
		if d.first.end == 0 {
			return
		}
		for c := &d.first; yield(c) && c.next != 0; {
			c = s.covers.at(c.next)
		}
	}
}

// within reports whether b covers every event that a covers.
func (s *decisions) within(a, b *decision) bool {
	for c := range s.coversOf(a) {
		if !s.reaches(b, c) {
			return false
		}
	}
	return true
}

func (s *decisions) reaches(d *decision, as *coverEnd) bool {
	for c := range s.coversOf(d) {
		if c.partition == as.partition && c.logID == as.logID && c.epoch >= as.epoch && c.end >= as.end {
			return true
		}
	}
	return false
}

// covering returns the decision that covers the event, in the log with this id (0: any): an
// accepted retry first, then the latest.
func (s *decisions) covering(id taskID, event events.Source, logID int64) *decision {
	var best *decision
	for _, d := range s.ofTask(id) {
		switch {
		case !s.covered(d, event, logID):
		case d.settled():
			return d
		case best == nil || s.madeAt(d) > s.madeAt(best):
			best = d
		}
	}
	return best
}

// covered reports whether the event was in the log when the decision's call was sent.
func (s *decisions) covered(d *decision, event events.Source, logID int64) bool {
	for c := range s.coversOf(d) {
		if int(c.partition) == event.Partition && (logID == 0 || c.logID == logID) && event.Offset < c.end && c.epoch == s.epochs[c.partition].number {
			return true
		}
	}
	return false
}

// before returns the task's latest accepted retry whose call was sent before the event was
// in its log. logID is the id of that log.
func (s *decisions) before(id taskID, event events.Source, logID int64) *decision {
	var best *decision
	for _, d := range s.ofTask(id) {
		if d.counts && !d.expired && s.precedes(d, event, logID) && (best == nil || s.madeAt(d) > s.madeAt(best)) {
			best = d
		}
	}
	return best
}

// precedes reports whether the decision's call was sent before the event was in the log.
func (s *decisions) precedes(d *decision, event events.Source, logID int64) bool {
	for c := range s.coversOf(d) {
		if int(c.partition) == event.Partition && c.logID == logID && event.Offset >= c.end && c.epoch == s.epochs[c.partition].number {
			return true
		}
	}
	return false
}

// outcome converts a decision back, as far as it is kept. topic is the failed topic.
func (s *decisions) outcome(d *decision, topic string) events.Outcome {
	o := events.Outcome{
		Reason: reasons[d.reason], Attempts: int(d.attempts), AcceptedRetry: d.accepted,
		Source:    events.Source{Topic: topic, Partition: int(d.partition), Offset: d.offset, Time: time.UnixMilli(d.time).UTC()},
		DecidedAt: time.UnixMilli(d.decided).UTC(),
	}
	for c := range s.coversOf(d) {
		o.Covers = append(o.Covers, events.Cover{Partition: int(c.partition), End: c.end, LogID: c.logID})
	}
	return o
}

// forgetCovers invalidates the partition's covers that were decided up to now.
func (s *decisions) forgetCovers(partition int, now time.Time) {
	s.epochs[int32(partition)] = epoch{s.epochs[int32(partition)].number + 1, now.UnixMilli()}
}
