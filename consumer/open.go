package consumer

import (
	"fmt"
	"slices"
	"time"
)

// origin is where and how a partition starts in a generation.
type origin struct {
	// inDoubt: events below it may have been called by an earlier owner.
	inDoubt int64
	// topicPartitions is the topic's partition count when the group began to read this
	// partition.
	topicPartitions int
	// logID identifies the log, see CommitMetadata.LogID.
	logID int64
	// formerOwners are the names of the owners before this process. ownedSince is when it
	// became the owner, in this generation or an earlier one.
	formerOwners []string
	ownedSince   time.Time
	// restarted: the partition is read from its beginning, whatever was committed.
	restarted bool
}

// open decides where to start, and which events are in doubt. It waits for the partition's
// leader; other partitions work meanwhile.
func (p *partition) open() error {
	g, id, assigned := p.g, p.id, len(p.g.parts)
	// How many offsets above a committed one may be in doubt: the partition's own part of the
	// look-ahead, and with many partitions at least as many as may be called and
	// unacknowledged.
	lookAhead := max(g.lookAhead.partEvents, min(2*g.c.cfg.MaxInFlight, g.lookAhead.maxEvents))

	first, next, err := p.bounds()
	if err != nil {
		return err
	}
	at, known := g.committed[id]
	metadata, foreign := ParseCommitMetadata(at.Metadata, at.Offset)
	p.ownedSince = g.c.takeOver(id, metadata.Owners, g.since)
	p.formerOwners = slices.DeleteFunc(slices.Clone(metadata.Owners), func(owner string) bool { return owner == g.c.name })
	if known && len(metadata.Owners) == 0 {
		p.formerOwners = []string{fmt.Sprintf("unknown%d", id)}
	}
	reached := at.Offset // the log once had at least this length
	if n := len(metadata.Done); n > 0 {
		reached = metadata.Done[n-1].To
	}
	p.topicPartitions, p.restarted = metadata.TopicPartitions, known && g.c.isStale(id, at)
	switch {
	case !known:
		p.topicPartitions, p.offset = g.topicPartitions, first
		if g.c.startsAtEnd(id, g.committed) {
			p.offset = next
		}
	case reached > next && !p.restarted:
		// The next generation restarts the partition. It asks the listener to read
		// everything again, as it does when a log is cut while we read it.
		return p.otherLog(fmt.Errorf("%w: it ends at %d, %d was committed", errOtherLog, next, reached))
	case p.restarted:
		p.log.WithField("offset", reached).WithField("end", next).
			Error("the committed offset belongs to a different log: the topic was recreated or lost records; reading the partition from its beginning and checking its tasks with MPC before any call")
		g.c.stats.dataLoss.Add(1)
		p.offset, metadata = first, CommitMetadata{Called: max(at.Offset, next)}
	case foreign != nil:
		p.log.WithField("offset", at.Offset).WithField("reason", foreign).
			Warn("the committed offset has no usable metadata of this service: checking the tasks of the next events with MPC before any call")
		g.c.stats.unreadable(foreign)
		p.offset, metadata = at.Offset, CommitMetadata{Called: at.Offset + int64(lookAhead)}
	default:
		p.offset = at.Offset
	}
	// No earlier owner can have called events that arrive from now on.
	metadata.Called = min(metadata.Called, next)
	p.inDoubt = metadata.Called
	p.tracker = newTracker(g.c.cfg.Clock, p.offset, metadata, next, g.lookAhead, lookAhead)
	p.sizer = NewFetchSizer(max(leastPage, min(pageBytes, pagesBytes/assigned)))
	p.observeEnd(next)
	p.boundsTried.Do(g.boundsBarrier.tried)
	if p.logID = metadata.LogID; !known || p.restarted {
		p.logID = g.c.cfg.Clock.Wall().UnixMilli()
	}
	g.c.cfg.Listener.Opened(id, next, p.logID, known && !p.restarted)
	p.opened.Store(true)
	g.commits.Ring() // the first commit fixes where this partition starts
	return nil
}
