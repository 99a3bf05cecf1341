package consumer

import (
	"fmt"
	"slices"
	"time"
)

// origin is how a partition begins in a generation.
type origin struct {
	// inDoubt: events below it may have been called by an earlier owner.
	inDoubt int64
	// of is how many partitions the topic had when the group began to read this
	// one.
	of int
	// name is the log's, see Mark.Log.
	name int64
	// former are the names of the owners before this process, and ownedSince is when it
	// became the owner, in this generation or an earlier one.
	former     []string
	ownedSince time.Time
	// restarted: it is read from its beginning, whatever was committed.
	restarted bool
}

// open decides where to start, and which events are in doubt. It waits for the
// partition's leader; the other partitions are at work meanwhile.
func (p *partition) open() error {
	g, id, assigned := p.g, p.id, len(p.g.parts)
	// As many as one partition may hold where all have much to do.
	lookAhead := max(g.lookAhead.partEvents, min(2*g.c.cfg.MaxInFlight, g.lookAhead.maxEvents))

	first, next, err := p.bounds()
	if err != nil {
		return err
	}
	at, known := g.committed[id]
	mark, foreign := ParseMark(at.Metadata, at.Offset)
	p.ownedSince = g.c.owns(id, mark.Owners, g.since)
	p.former = slices.DeleteFunc(slices.Clone(mark.Owners), func(owner string) bool { return owner == g.c.name })
	if known && len(mark.Owners) == 0 {
		p.former = []string{fmt.Sprintf("unknown%d", id)}
	}
	reached := at.Offset // the log was once at least so long
	if n := len(mark.Done); n > 0 {
		reached = mark.Done[n-1].To
	}
	p.of, p.restarted = mark.Of, known && g.c.isStale(id, at)
	switch {
	case !known:
		p.of, p.offset = g.of, first
		if g.c.startsAtEnd(id, g.committed) {
			p.offset = next
		}
	case reached > next && !p.restarted:
		// The generation that follows restarts the partition: as it does after a cut
		// under our eyes, it asks the follower to catch up with all there is.
		return p.otherLog(fmt.Errorf("%w: it ends at %d, %d was committed", errOtherLog, next, reached))
	case p.restarted:
		p.log.WithField("offset", reached).WithField("end", next).
			Error("the committed offset is of another log: the topic was re-created or has lost records; reading it from its beginning, the events are checked with MPC before they are called")
		g.c.stats.dataLoss.Add(1)
		p.offset, mark = first, Mark{Called: max(at.Offset, next)}
	case foreign != nil:
		p.log.WithField("offset", at.Offset).WithField("reason", foreign).
			Warn("no mark with the committed offset: the next events are checked with MPC before they are called")
		g.c.stats.unmarked(foreign)
		p.offset, mark = at.Offset, Mark{Called: at.Offset + int64(lookAhead)}
	default:
		p.offset = at.Offset
	}
	// What comes from now on, no earlier owner can have called.
	mark.Called = min(mark.Called, next)
	p.inDoubt = mark.Called
	p.tracker = newTracker(g.c.cfg.Clock, p.offset, mark, next, g.lookAhead, lookAhead)
	p.sizer = NewFetchSizer(max(leastPage, min(pageBytes, pagesBytes/assigned)))
	p.saw(next)
	p.sight.Do(g.firstSight.tried)
	if p.name = mark.Log; !known || p.restarted {
		p.name = g.c.cfg.Clock.Wall().UnixMilli()
	}
	g.c.cfg.Follower.Opened(id, next, p.name, known && !p.restarted)
	p.opened.Store(true)
	g.commits.Ring() // this partition's first commit pins where it starts
	return nil
}
