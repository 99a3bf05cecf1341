package ledger

import (
	"crypto/sha256"
	"math"
	"slices"
	"time"

	"remux-retrier/events"
)

const (
	// maxCovers is how many covers of an outcome are kept. While the ledger holds manyCovers
	// or more beside the first of each decision, only maxCoversIfMany of an outcome are kept.
	// Older versions wrote one cover for each partition.
	maxCovers       = 64
	manyCovers      = 1 << 14
	maxCoversIfMany = 3
	// maxWalk is how many of a task's decisions are examined, the latest first. It bounds
	// the cost of a lookup; few budgets are that large.
	maxWalk = 64
)

// taskID is a hash of a task's id: fixed size, no pointer, and in practice unique.
type taskID [16]byte

func idOf[T string | []byte](task T) taskID {
	sum := sha256.Sum256([]byte(task))
	return taskID(sum[:16])
}

// decision is the kept part of an outcome that concerns other events. The time when it was
// made, corrected for wrong clocks, is in its queue.
type decision struct {
	task         taskID
	decided      int64 // from the outcome, Unix milliseconds
	offset, time int64 // of the answered event; time in Unix milliseconds
	first        coverEnd
	newer, older uint32 // of the same task, in the order in which they became known
	position     uint32 // in its queue
	partition    int32
	attempts     int32
	reason       uint8 // index in reasons
	accepted     bool  // Outcome.AcceptedRetry
	counts       bool  // it counts as an accepted retry that no other decision counts
	expired      bool  // older than the window
}

// coverEnd is a range of a partition whose events a decision answers.
type coverEnd struct {
	end, logID int64 // end 0: none
	partition  int32
	epoch      uint32 // of the partition, see decisions.epochs
	next       uint32 // next cover of the decision
}

// epoch counts how often the covers of a partition were invalidated. Covers of an earlier
// epoch do not apply.
type epoch struct {
	number uint32
	since  int64 // Unix milliseconds
}

// task is what is known about one task.
type task struct {
	newest  uint32 // decision
	retries uint32 // accepted within the window
}

var reasons = events.Reasons()

// settled reports whether the decision's call was an accepted retry.
func (d *decision) settled() bool { return d.counts && d.attempts > 0 }

// refusal reports whether the decision does not stand for an accepted retry.
func (d *decision) refusal() bool { return reasons[d.reason] != events.Accepted && !d.accepted }

// is reports whether the decision is the one about this event with this time.
func (d *decision) is(event events.Source, decided time.Time) bool {
	return d.about(event) && d.decided == decided.UnixMilli()
}

func (d *decision) about(event events.Source) bool {
	return d.offset == event.Offset && int(d.partition) == event.Partition && d.time == event.Time.UnixMilli()
}

// decisions finds a task's decisions by its id, and all decisions by age. Each operation
// takes constant or logarithmic time. It is not safe for concurrent use.
type decisions struct {
	window  time.Duration
	all     slab[decision]
	covers  slab[coverEnd] // all but the first of each decision
	tasks   map[taskID]task
	inside  timeQueue // within the window
	outside timeQueue // older, by up to the skew: their covers still apply
	epochs  map[int32]epoch
	results *retryResults // of the accepted retries within the window; may be nil
}

func newDecisions(window time.Duration) *decisions {
	s := &decisions{window: window, tasks: map[taskID]task{}, epochs: map[int32]epoch{}}
	moved := func(number uint32, position int) { s.all.at(number).position = uint32(position) }
	s.inside.moved, s.outside.moved = moved, moved
	return s
}

func (s *decisions) len() int { return s.inside.Len() + s.outside.Len() }

// ofTask iterates over the latest decisions of a task. The loop may remove the current one.
func (s *decisions) ofTask(id taskID) func(yield func(uint32, *decision) bool) {
	return func(yield func(uint32, *decision) bool) {
		number := s.tasks[id].newest
		for range maxWalk {
			if number == 0 {
				return
			}
			d := s.all.at(number)
			older := d.older
			if !yield(number, d) {
				return
			}
			number = older
		}
	}
}

// knows reports whether a decision is kept.
func (s *decisions) knows(id taskID, event events.Source, decided time.Time) bool {
	for _, d := range s.ofTask(id) {
		if d.is(event, decided) {
			return true
		}
	}
	return false
}

// claimRetry reports whether a new decision stands for a retry that no other decision
// counts. Each call for an event does. A state query without a call of its own does only if
// no call for the event is known: the query has seen the retry of that call. If the call
// becomes known later, claimRetry takes the retry from the query's decision, which then does
// not count any more.
func (s *decisions) claimRetry(id taskID, o *events.Outcome) bool {
	if !o.CountsAsRetry() {
		return false
	}
	for _, d := range s.ofTask(id) {
		switch {
		case !d.counts || !d.about(o.Source):
		case o.Attempts == 0:
			return false
		case d.attempts == 0:
			s.uncount(d)
			d.counts = false
		}
	}
	return true
}

// uncount removes a decision's retry from the counts.
func (s *decisions) uncount(d *decision) {
	if d.counts && !d.expired {
		t := s.tasks[d.task]
		t.retries--
		s.tasks[d.task] = t
		s.results.count(d.decided, -1)
	}
}

// leave takes a decision out of the window.
func (s *decisions) leave(d *decision) {
	if d.counts && !d.expired {
		s.results.drop(eventKey{int(d.partition), offsetTime{d.offset, d.time}})
	}
	s.uncount(d)
}

// add keeps a new outcome made at the given time. A refusal is left out if it covers nothing,
// and as soon as a later decision covers the same events.
func (s *decisions) add(id taskID, o *events.Outcome, at time.Time) {
	d := decision{
		task: id, decided: o.DecidedAt.UnixMilli(), offset: o.Source.Offset, time: o.Source.Time.UnixMilli(),
		partition: int32(o.Source.Partition), attempts: int32(min(o.Attempts, math.MaxInt32)),
		reason: uint8(slices.Index(reasons, o.Reason)), accepted: o.AcceptedRetry, counts: s.claimRetry(id, o),
	}
	s.setCovers(&d, o, at.UnixMilli())
	if d.refusal() && d.first.end == 0 {
		return
	}
	for number, known := range s.ofTask(id) {
		later := s.madeAt(known) > at.UnixMilli()
		switch {
		case d.refusal() && later && s.within(&d, known):
			s.releaseCovers(&d)
			return
		case known.refusal() && !later && s.within(known, &d):
			s.remove(number)
		}
	}
	number := s.all.take()
	t := s.tasks[id]
	if d.older = t.newest; d.older != 0 {
		s.all.at(d.older).newer = number
	}
	if t.newest = number; d.counts {
		t.retries++
		s.results.count(d.decided, 1)
	}
	s.tasks[id] = t
	*s.all.at(number) = d
	s.inside.push(entry{at.UnixMilli(), number})
}

// advance drops what is too old at now.
func (s *decisions) advance(now time.Time) {
	for since := now.Add(-s.window).UnixMilli(); s.inside.Len() > 0 && s.inside.entries[0].at <= since; {
		e := s.inside.remove(0)
		d := s.all.at(e.decision)
		s.leave(d)
		d.expired = true
		s.outside.push(e)
	}
	for horizon := now.Add(-s.window - skew).UnixMilli(); s.outside.Len() > 0 && s.outside.entries[0].at <= horizon; {
		s.remove(s.outside.entries[0].decision)
	}
}

// queue is the queue in which a decision waits to expire.
func (s *decisions) queue(d *decision) *timeQueue {
	if d.expired {
		return &s.outside
	}
	return &s.inside
}

// madeAt is when a decision was made, corrected for wrong clocks.
func (s *decisions) madeAt(d *decision) int64 { return s.queue(d).entries[d.position].at }

// drop drops the oldest decision.
func (s *decisions) drop() {
	oldest := &s.outside
	if oldest.Len() == 0 {
		oldest = &s.inside
	}
	s.remove(oldest.entries[0].decision)
}

func (s *decisions) remove(number uint32) {
	d := s.all.at(number)
	s.leave(d)
	t := s.tasks[d.task]
	if d.newer != 0 {
		s.all.at(d.newer).older = d.older
	} else {
		t.newest = d.older
	}
	if d.older != 0 {
		s.all.at(d.older).newer = d.newer
	}
	if t.newest == 0 {
		delete(s.tasks, d.task)
	} else {
		s.tasks[d.task] = t
	}
	s.queue(d).remove(int(d.position))
	s.releaseCovers(d)
	s.all.release(number)
}
