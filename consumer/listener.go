package consumer

import (
	"context"
	"time"
)

// RebalanceListener is told what happens to the partitions. Calls for different partitions
// may be concurrent. Opened, Published and Committed must return at once.
type RebalanceListener interface {
	// Assigned is called with every assignment, before its first record is read. Reading
	// waits until it returns. It fails only when ctx ends.
	Assigned(ctx context.Context, a Assignment) error
	// Opened: the partition is about to be read; it ends at end. continued is false if
	// there was no committed offset, or if the log is not the one that was committed. logID
	// identifies the log, see CommitMetadata.LogID.
	Opened(partition int, end, logID int64, continued bool)
	// Published: this member wrote one message per answered record to a partition of the
	// topic, at consecutive offsets starting at first.
	Published(topic string, partition int, first int64, answered []*Record)
	// Committed: everything below low is answered and committed.
	Committed(partition int, low int64)
}

// Assignment is what this member works on in one generation.
type Assignment struct {
	Partitions      []int // ascending
	TopicPartitions int   // the topic's partition count
	// Committed holds the low-water marks of the partitions that have one.
	Committed map[int]int64
	// Since is a lower bound on the time of answers to events at or above the committed
	// offsets, by the clock of their publisher. Zero: unknown.
	Since time.Time
	// Owners lists the recent owners of each committed partition of the topic, see
	// CommitMetadata.Owners. Self is this process's name there.
	Owners map[int][]string
	Self   string
}

// OwnersFor is how long an owner stays listed after its ownership ends: the window of MPC's
// quota.
const OwnersFor = time.Minute

// maxFormerOwners bounds how many former owners are listed.
const maxFormerOwners = 20

// owners returns the partition's recent owners, latest first.
func (p *partition) owners(now time.Time) []string {
	owners := []string{p.g.c.name}
	if now.Sub(p.ownedSince) < OwnersFor {
		owners = append(owners, p.formerOwners[:min(len(p.formerOwners), maxFormerOwners)]...)
	}
	return owners
}

// takeOver notes that a generation, which began at the given time, owns a partition. It
// returns since when this process owns it. owners are those of its commit: if this process
// is the latest one, no other owner has sent requests in between.
func (c *Consumer) takeOver(id int, owners []string, began time.Time) (since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	since, known := c.ownedSince[id]
	if !known || len(owners) == 0 || owners[0] != c.name {
		since = began
		c.ownedSince[id] = since
	}
	return since
}

// assignment summarizes what the group has committed for this member's partitions.
func (g *generation) assignment() Assignment {
	a := Assignment{Partitions: g.gen.Assigned(), TopicPartitions: g.topicPartitions, Committed: map[int]int64{}, Since: g.c.cfg.Clock.Wall(), Owners: map[int][]string{}, Self: g.c.name}
	for id, at := range g.committed {
		metadata, _ := ParseCommitMetadata(at.Metadata, at.Offset) // empty for foreign metadata
		a.Owners[id] = metadata.Owners
	}
	for _, id := range a.Partitions {
		if at, ok := g.committed[id]; ok {
			a.Committed[id] = at.Offset
		}
	}
	for _, id := range a.Partitions {
		at := g.committed[id] // a partition without a commit fails below
		metadata, err := ParseCommitMetadata(at.Metadata, at.Offset)
		if err != nil || metadata.Since.IsZero() || g.c.isStale(id, at) {
			a.Since = time.Time{}
			return a
		}
		if metadata.Since.Before(a.Since) {
			a.Since = metadata.Since
		}
	}
	return a
}
