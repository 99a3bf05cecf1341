package consumer

import (
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/notice"
)

// partition reads one partition for one generation.
type partition struct {
	g       *generation
	id      int
	log     logrus.FieldLogger
	notice  *notice.Notice
	tracker *tracker
	offset  int64 // fetched next
	hunger  Appetite
	// doubtful: events below it may have been called by a former owner.
	doubtful int64
	// end is the partition's end as it was seen last; −1 before the first time.
	end atomic.Int64
	// stored is this generation's last acknowledged commit.
	stored atomic.Pointer[Position]
	// opened: tracker is there, and the partition may be committed.
	opened atomic.Bool
	// of is how many partitions the topic had when the group began to read this
	// one.
	of int
	// name is the log's, see Mark.Log.
	name int64
	// former are the names of the owners before this generation.
	former []string
	// restarted: it is read from its beginning, whatever was committed.
	restarted bool
}

func (g *generation) newPartition(id int) *partition {
	p := &partition{g: g, id: id, log: g.log.WithField("partition", id)}
	p.notice = notice.New(p.log)
	p.end.Store(-1)
	return p
}

// committed is what is known to be committed: by this generation, else before.
func (p *partition) committed() Position {
	if at := p.stored.Load(); at != nil {
		return *at
	}
	return p.g.committed[p.id]
}

// open decides where to start, and which events are in doubt. It waits for the
// partition's leader; the other partitions are at work meanwhile.
func (p *partition) open() error {
	g, id, assigned := p.g, p.id, len(p.g.parts)
	lookAhead := max(heldRecords/assigned, min(2*g.c.cfg.MaxInFlight, mostRecords/assigned))

	first, next, err := p.bounds()
	if err != nil {
		return err
	}
	at, known := g.committed[id]
	mark, foreign := ParseMark(at.Metadata, at.Offset)
	p.former = slices.DeleteFunc(slices.Clone(mark.Owners), func(owner string) bool { return owner == g.c.name })
	if known && len(mark.Owners) == 0 {
		p.former = []string{fmt.Sprintf("unknown%d", id)}
	}
	reached := at.Offset // the log was once at least so long
	if n := len(mark.Done); n > 0 {
		reached = mark.Done[n-1].To
	}
	p.of, p.restarted = mark.Of, known && g.c.distrusts(id, at)
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
		p.log.WithFields(logrus.Fields{"offset": reached, "end": next}).
			Error("the committed offset is of another log: the topic was re-created or has lost records; reading it from its beginning, the events are checked with MPC before they are called")
		g.c.stats.dataLoss.Add(1)
		p.offset, mark = first, Mark{Called: max(at.Offset, next)}
	case foreign != nil:
		p.log.WithFields(logrus.Fields{"offset": at.Offset, "reason": foreign}).
			Warn("no mark with the committed offset: the next events are checked with MPC before they are called")
		g.c.stats.unmarked(foreign)
		p.offset, mark = at.Offset, Mark{Called: at.Offset + int64(lookAhead)}
	default:
		p.offset = at.Offset
	}
	// What comes from now on, no former owner can have called.
	mark.Called = min(mark.Called, next)
	p.doubtful = mark.Called
	p.tracker = newTracker(g.c.cfg.Clock, p.offset, mark, next, lookAhead, heldBytes/assigned)
	p.hunger = NewAppetite(min(pageBytes, heldBytes/assigned))
	p.end.Store(next)
	if p.name = mark.Log; !known || p.restarted {
		p.name = g.c.cfg.Clock.Now().UnixMilli()
	}
	g.c.cfg.Follower.Opened(id, next, p.name, known && !p.restarted)
	p.opened.Store(true)
	g.commits.Ring() // this partition's first commit pins where it starts
	return nil
}

func (p *partition) bounds() (first, next int64, err error) {
	c := p.g.c
	err = c.persist(p.g.working, p.notice, "reading the partition's bounds", func() (err error) {
		first, next, err = c.cfg.Log.Bounds(p.g.working, c.cfg.Topic, p.id)
		return err
	}, ErrUnknownTopic)
	return first, next, err
}

// read fetches and hands out records until no new work may begin.
func (p *partition) read() {
	if err := p.open(); err != nil {
		p.g.stop(err)
		return
	}
	c, ctx := p.g.c, p.g.working
	b := c.newBackoff()
	var goneSince time.Time
	for ctx.Err() == nil {
		page, err := c.cfg.Log.Fetch(ctx, c.cfg.Topic, p.id, p.offset, p.hunger.Ask())
		switch {
		case err == nil:
			goneSince = time.Time{}
			b.Reset()
			p.notice.Over("fetching: works again")
			if p.take(page) != nil {
				return
			}
			continue
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrOffsetOutOfRange):
			if p.moved() != nil {
				return
			}
			continue
		case errors.Is(err, ErrUnknownTopic):
			// The group's coordinator refuses commits for a deleted topic. Asking it
			// at once also notices one that is re-created within the second.
			p.g.commits.Ring()
			if now := c.cfg.Clock.Now(); goneSince.IsZero() {
				goneSince = now
			} else if now.Sub(goneSince) > topicGoneAfter {
				_ = p.otherLog(errTopicGone)
				return
			}
		default:
			goneSince = time.Time{}
		}
		c.stats.fetchErrors.Add(1)
		p.notice.Problem("fetching: " + err.Error())
		_ = c.cfg.Clock.Sleep(ctx, b.Next())
	}
}

// take hands a page's records out, as far as the look-ahead allows.
func (p *partition) take(page Page) error {
	p.end.Store(page.End)
	p.hunger.Had(page, page.Next > p.offset)
	for i := range page.Records {
		r := &page.Records[i]
		e, err := p.tracker.track(p.g.working, r)
		if err != nil {
			return err
		}
		if e != nil {
			d := &Delivery{Record: *r, p: p, e: e}
			answer := p.g.c.cfg.Handler.Receive(d) // here: the goroutines start in any order
			p.g.handlers.Go(p.g.c.cfg.Clock, func() { p.handle(d, answer) })
		}
		page.Records[i] = Record{} // what is answered soon is freed soon
	}
	p.tracker.advance(page.Next)
	p.offset = page.Next
	return nil
}

// lookAtEnd learns where the partition ends while no page is fetched, because
// the look-ahead is full: the lag is to be known when it is largest.
func (p *partition) lookAtEnd() {
	if !p.opened.Load() || !p.tracker.full() {
		return
	}
	_, next, err := p.g.c.cfg.Log.Bounds(p.g.working, p.g.c.cfg.Topic, p.id)
	if err == nil {
		p.end.Store(next)
	}
}

// handle sees one record through to its answer.
func (p *partition) handle(d *Delivery, answer Answer) {
	c, ctx := p.g.c, p.g.working
	b := c.newBackoff()
	for {
		err := answer(ctx)
		if err == nil {
			p.tracker.resolve(d.e)
			return
		}
		if ctx.Err() != nil {
			return // the next owner gets it
		}
		p.log.WithField("offset", d.Offset).WithError(err).Error("the record could not be handled: trying again")
		_ = c.cfg.Clock.Sleep(ctx, b.Next())
		answer = c.cfg.Handler.Receive(d)
	}
}

// moved finds out why the partition does not hold the offset that was asked
// for. Retention may have deleted it, which is a loss to be said. Or the log is
// another one: then the generation ends without a further commit.
func (p *partition) moved() error {
	first, next, err := p.bounds()
	if errors.Is(err, ErrUnknownTopic) {
		return p.otherLog(errTopicGone)
	}
	if err != nil {
		return err
	}
	if p.offset >= first {
		return p.otherLog(fmt.Errorf("%w: it ends at %d, the next record was to be %d", errOtherLog, next, p.offset))
	}
	p.g.c.stats.dataLoss.Add(first - p.offset)
	p.log.WithFields(logrus.Fields{"from": p.offset, "to": first}).
		Errorf("data loss: retention deleted %d failure events before they were read; raise the retention of %s", first-p.offset, p.g.c.cfg.Topic)
	p.tracker.advance(first)
	p.offset = first
	return nil
}

// otherLog gives the generation up: what was read before must not be committed
// for the log that is there now.
func (p *partition) otherLog(err error) error {
	p.log.Errorf("%v: starting over, so that nothing of the new log is passed over", err)
	p.g.lose(err)
	p.g.restart(errors.Is(err, errTopicGone), p)
	return err
}
