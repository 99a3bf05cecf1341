package consumer

import (
	"context"
	"time"
)

// Follower is told of what becomes of the partitions. Of different partitions it
// may be told at the same time; Opened, Published and Committed return at once.
type Follower interface {
	// Assigned is called with every assignment before its first record is read,
	// and holds that up until it returns; it fails only when ctx ends.
	Assigned(ctx context.Context, a Assignment) error
	// Opened: the partition is about to be read; it ends at end. continued is
	// false if there was no committed offset, or the log is another than was
	// committed. log names the log, see Mark.Log.
	Opened(partition int, end, log int64, continued bool)
	// Published: the messages at the offsets from first on of a topic's partition
	// are this member's own, and answer these records, one each.
	Published(topic string, partition int, first int64, answered []*Record)
	// Committed: all below low is answered, and committed.
	Committed(partition int, low int64)
}

// Assignment is what this member works on in one generation.
type Assignment struct {
	Partitions []int // ascending
	Of         int   // how many partitions the topic has
	// Committed are the low-water marks of those that have one.
	Committed map[int]int64
	// Since: no answer to an event at or above the partitions' committed offsets
	// is older, by the clock of its publisher. Zero: it may be as old as the
	// outcome topics.
	Since time.Time
	// Owners are those of each partition of the topic that has a commit, see
	// Mark.Owners; Self is this process's name among them.
	Owners map[int][]string
	Self   string
}

// OwnersFor is for how long after the end of its ownership an owner is named. It is
// the window of MPC's quota.
const OwnersFor = time.Minute

// mostFormer bounds how many former owners are named.
const mostFormer = 20

// owners are the partition's, the latest first.
func (p *partition) owners(now time.Time) []string {
	owners := []string{p.g.c.name}
	if now.Sub(p.ownedSince) < OwnersFor {
		owners = append(owners, p.former[:min(len(p.former), mostFormer)]...)
	}
	return owners
}

// owns takes note that a generation owns a partition, of these owners by its commit, and
// returns since when this process does. If the latest owner is the process itself,
// nobody else has sent requests as the owner in between.
func (c *Consumer) owns(id int, owners []string, generation time.Time) (since time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	since, known := c.ownedSince[id]
	if !known || len(owners) == 0 || owners[0] != c.name {
		since = generation
		c.ownedSince[id] = since
	}
	return since
}

// assignment sums up what the group has committed for this member's partitions.
func (g *generation) assignment() Assignment {
	a := Assignment{Partitions: g.gen.Assigned(), Of: g.of, Committed: map[int]int64{}, Since: g.c.cfg.Clock.Wall(), Owners: map[int][]string{}, Self: g.c.name}
	for id, at := range g.committed {
		mark, _ := ParseMark(at.Metadata, at.Offset) // of what is none of ours, they are not known
		a.Owners[id] = mark.Owners
	}
	for _, id := range a.Partitions {
		if at, ok := g.committed[id]; ok {
			a.Committed[id] = at.Offset
		}
	}
	for _, id := range a.Partitions {
		at := g.committed[id] // of nothing the mark is none of ours
		mark, err := ParseMark(at.Metadata, at.Offset)
		if err != nil || mark.Since.IsZero() || g.c.isStale(id, at) {
			a.Since = time.Time{}
			return a
		}
		if mark.Since.Before(a.Since) {
			a.Since = mark.Since
		}
	}
	return a
}
