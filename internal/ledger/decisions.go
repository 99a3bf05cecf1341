package ledger

import (
	"slices"
	"time"

	"remux-retrier/events"
)

// decision is what is kept of an outcome. Numbers are narrow because there may
// be millions.
type decision struct {
	task   string
	covers []events.Cover
	// older is the sequence number of the same task's decision before this one;
	// below the deque's first if there is none, or none any more.
	older        int64
	at           int64 // decided, in Unix milliseconds
	offset, time int64 // of the event it answers; time in Unix milliseconds
	partition    int32
	attempts     int32
	reason       uint8 // index of reasons
	accepted     bool  // Outcome.AcceptedRetry
	counts       bool  // Outcome.CountsAsRetry
}

var reasons = events.Reasons()

// answers tells whether the decision is the one about this very event.
func (d *decision) answers(event events.Source) bool {
	return d.offset == event.Offset && int(d.partition) == event.Partition && d.time == event.Time.UnixMilli()
}

// outcome turns a decision back, as far as it is kept. topic is the failed topic.
func (d *decision) outcome(topic string) events.Outcome {
	return events.Outcome{
		Reason: reasons[d.reason], Attempts: int(d.attempts), AcceptedRetry: d.accepted,
		Source: events.Source{Topic: topic, Partition: int(d.partition), Offset: d.offset, Time: time.UnixMilli(d.time).UTC()},
		Covers: slices.Clone(d.covers), DecidedAt: time.UnixMilli(d.at).UTC(),
	}
}

// chunk is how many decisions are allocated at once: some KiB, for most ledgers hold
// few.
const chunk = 128

// decisions are kept in the order in which they became known, which numbers
// them, and found by task. It is not safe for concurrent use.
type decisions struct {
	chunks      []*[chunk]decision // the first one holds number first
	first, next int64              // numbers of the oldest, and of the one to come
	newest      map[string]int64   // by task
}

func newDecisions() decisions { return decisions{newest: map[string]int64{}} }

func (s *decisions) len() int { return int(s.next - s.first) }

func (s *decisions) at(number int64) *decision {
	return &s.chunks[number/chunk-s.first/chunk][number%chunk]
}

// of walks a task's decisions, the latest first, with their numbers.
func (s *decisions) of(task string) func(yield func(int64, *decision) bool) {
	return func(yield func(int64, *decision) bool) {
		number, ok := s.newest[task]
		for ok && number >= s.first {
			d := s.at(number)
			if !yield(number, d) {
				return
			}
			number = d.older
		}
	}
}

// has tells whether the task's decision about this event, made at this time, is
// there.
func (s *decisions) has(task string, event events.Source, at time.Time) bool {
	for _, d := range s.of(task) {
		if d.answers(event) && d.at == at.UnixMilli() {
			return true
		}
	}
	return false
}

// counts tells whether a decision that is not there yet stands for a retry that no
// other does. Each call for an event does. A state that was asked for, with no call
// of its own, does only where no call for the event is known, in whatever order
// they come: it has seen that call's retry.
func (s *decisions) counts(o events.Outcome) bool {
	if !o.CountsAsRetry() {
		return false
	}
	for _, d := range s.of(o.Failure.TaskID) {
		switch {
		case !d.counts || !d.answers(o.Source):
		case o.Attempts == 0:
			return false
		case d.attempts == 0:
			d.counts = false
		}
	}
	return true
}

// add keeps an outcome that is not there yet.
func (s *decisions) add(o events.Outcome) {
	counts := s.counts(o)
	d := decision{
		task: o.Failure.TaskID, covers: slices.Clone(o.Covers), older: -1, at: o.DecidedAt.UnixMilli(),
		offset: o.Source.Offset, time: o.Source.Time.UnixMilli(), partition: int32(o.Source.Partition),
		attempts: int32(o.Attempts), reason: uint8(slices.Index(reasons, o.Reason)),
		accepted: o.AcceptedRetry, counts: counts,
	}
	if number, ok := s.newest[d.task]; ok {
		d.older, d.task = number, s.at(number).task // one string for all
	}
	if s.next%chunk == 0 {
		s.chunks = append(s.chunks, new([chunk]decision))
	}
	s.next++
	*s.at(s.next - 1) = d
	s.newest[d.task] = s.next - 1
}

// drop forgets the oldest.
func (s *decisions) drop() {
	d := s.at(s.first)
	if s.newest[d.task] == s.first {
		delete(s.newest, d.task)
	}
	*d = decision{}
	if s.first++; s.first%chunk == 0 {
		s.chunks[0] = nil
		s.chunks = s.chunks[1:]
	}
}
