package consumer

import (
	"errors"
	"runtime/debug"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"
)

// stats counts what has happened to a Consumer since its start.
type stats struct {
	generations, commitErrors, publishErrors, fetchErrors, dataLoss, panics atomic.Int64

	foreign, truncated, damaged atomic.Int64 // commits with unreadable metadata
}

// unreadable counts a commit whose metadata could not be read.
func (s *stats) unreadable(why error) {
	switch {
	case errors.Is(why, errForeign):
		s.foreign.Add(1)
	case errors.Is(why, errTruncated):
		s.truncated.Add(1)
	default:
		s.damaged.Add(1)
	}
}

// Status is the state of a Consumer at one moment.
type Status struct {
	// Joined: the member has a running generation.
	Joined bool
	// Generation is its number, Partitions are its assigned partitions.
	Generation int
	Partitions []PartitionStatus
	// Problem is what the consumer waits for; empty: nothing.
	Problem string
	// Stuck lists messages that a topic rejects until an operator acts.
	Stuck []StuckMessage
	// Absent lists the topics that do not exist, according to the brokers.
	Absent []string

	Generations, CommitErrors, PublishErrors, FetchErrors, DataLoss int64
	// Panics counts records that stay unanswered because handling them panicked.
	Panics int64
	// Throttled describes a Kafka quota that slows this client; empty: none.
	Throttled  string
	Unreadable UnreadableMetadata
}

// UnreadableMetadata counts commits without readable metadata: written by another program,
// truncated, or damaged.
type UnreadableMetadata struct{ Foreign, Truncated, Damaged int64 }

// PartitionStatus is the state of one partition.
type PartitionStatus struct {
	Partition int
	// Committed is the low-water mark, as the next commit will have it. Next is the first
	// offset that was not read. End is the partition's end; −1: not known yet.
	Committed, Next, End int64
	// Unanswered counts the events held. Oldest is the time of the oldest one; zero: none
	// has a time.
	Unanswered int
	Oldest     time.Time
	// Problem is what its reader waits for; empty: nothing.
	Problem string
}

// Status returns the current state.
func (c *Consumer) Status() Status {
	s := Status{
		Problem:       c.broker.Text(),
		Generations:   c.stats.generations.Load(),
		CommitErrors:  c.stats.commitErrors.Load(),
		PublishErrors: c.stats.publishErrors.Load(),
		FetchErrors:   c.stats.fetchErrors.Load(),
		DataLoss:      c.stats.dataLoss.Load(),
		Panics:        c.stats.panics.Load(),
		Unreadable:    UnreadableMetadata{Foreign: c.stats.foreign.Load(), Truncated: c.stats.truncated.Load(), Damaged: c.stats.damaged.Load()},
	}
	c.mu.Lock()
	g := c.current
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

// panicked notes a record whose handling panicked. It stays unanswered, so the partition's
// low-water mark stays there until a restart.
func (c *Consumer) panicked(r *Record, cause any) {
	c.stats.panics.Add(1)
	c.cfg.Logger.WithFields(logrus.Fields{"topic": r.Topic, "partition": r.Partition, "offset": r.Offset, "stack": string(debug.Stack())}).
		Errorf("panic while handling a record: it stays unanswered until a restart, other records continue: %v", cause)
}
