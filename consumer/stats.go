package consumer

import (
	"errors"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
)

// Stats counts what happened since the start.
type Stats struct {
	generations, commitErrors, publishErrors, fetchErrors, dataLoss, panics atomic.Int64

	foreign, cut, damaged atomic.Int64 // marks that were none
}

// unmarked counts a committed offset whose mark could not be read.
func (s *Stats) unmarked(why error) {
	switch {
	case errors.Is(why, errNoMark):
		s.foreign.Add(1)
	case errors.Is(why, errCut):
		s.cut.Add(1)
	default:
		s.damaged.Add(1)
	}
}

// Status is what a Consumer can say of itself at a moment.
type Status struct {
	// Joined: a generation is at work.
	Joined bool
	// Generation is its number, Partitions are what it was assigned.
	Generation int
	Partitions []PartitionStatus
	// Problem is what it waits for, empty if for nothing.
	Problem string
	// Stuck are messages that no topic takes: an operator must act.
	Stuck []StuckMessage
	// Absent are the topics of which the brokers say that they do not exist.
	Absent []string

	Generations, CommitErrors, PublishErrors, FetchErrors, DataLoss int64
	// Panics counts records that are held because their handling panicked.
	Panics int64
	// Throttled is what a Kafka quota does to this client; empty: nothing.
	Throttled string
	Unmarked  Unmarked
}

// Unmarked counts committed offsets without a mark of ours, by what was found:
// what somebody else committed, a mark that was cut off, one that is damaged.
type Unmarked struct{ Foreign, Cut, Damaged int64 }

// PartitionStatus is one partition's part of a Status.
type PartitionStatus struct {
	Partition int
	// Committed is the low-water mark, End the partition's end; −1: not known yet.
	// Next is the first offset that was not looked at.
	Committed, Next, End int64
	// Unanswered counts the events held, Oldest is the oldest one's time.
	Unanswered int
	Oldest     time.Time
	// Problem is what its reader waits for, empty if for nothing.
	Problem string
}

// Status reports the present state.
func (c *Consumer) Status() Status {
	s := Status{
		Problem:       c.broker.Text(),
		Generations:   c.stats.generations.Load(),
		CommitErrors:  c.stats.commitErrors.Load(),
		PublishErrors: c.stats.publishErrors.Load(),
		FetchErrors:   c.stats.fetchErrors.Load(),
		DataLoss:      c.stats.dataLoss.Load(),
		Panics:        c.stats.panics.Load(),
		Unmarked:      Unmarked{Foreign: c.stats.foreign.Load(), Cut: c.stats.cut.Load(), Damaged: c.stats.damaged.Load()},
	}
	c.mu.Lock()
	g := c.present
	c.mu.Unlock()
	if c.absent.Load() {
		s.Absent = append(s.Absent, c.cfg.Topic)
	}
	if g == nil {
		return s
	}
	s.Joined, s.Generation = true, g.gen.ID()
	waits, stuck, absent := g.publisher.problems()
	s.Stuck, s.Absent, s.Throttled = stuck, append(s.Absent, absent...), g.throttleNotice.Text()
	for _, text := range append([]string{g.commitNotice.Text()}, waits...) {
		if s.Problem == "" {
			s.Problem = text
		}
	}
	for _, p := range g.parts {
		status := PartitionStatus{Partition: p.id, Committed: p.committed().Offset, End: p.end.Load(), Problem: p.notice.Text()}
		status.Next = status.Committed
		if p.opened.Load() {
			status.Committed, _ = p.tracker.position(false)
			status.Next = p.tracker.reached()
			status.Unanswered, status.Oldest = p.tracker.waiting()
		}
		s.Partitions = append(s.Partitions, status)
	}
	return s
}

// panicked notes a record whose handling panicked. It stays unanswered: the
// partition's low-water mark stands there until a restart.
func (c *Consumer) panicked(r *Record, cause any) {
	c.stats.panics.Add(1)
	c.cfg.Logger.WithFields(logrus.Fields{"topic": r.Topic, "partition": r.Partition, "offset": r.Offset, "stack": string(debug.Stack())}).
		Errorf("handling a record has panicked: it is held without an answer until a restart, the others go on: %v", cause)
}
