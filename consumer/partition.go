package consumer

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/notice"
)

// partition reads one partition in one generation.
type partition struct {
	origin
	g       *generation
	id      int
	log     logrus.FieldLogger
	notice  *notice.Notice
	tracker *tracker
	offset  int64 // fetched next
	sizer   FetchSizer
	// end is the partition's last known end; −1: not known yet.
	end          atomic.Int64
	observations observations
	// stored is this generation's last acknowledged commit.
	stored      atomic.Pointer[Position]
	boundsTried sync.Once // see boundsBarrier
	// opened: tracker and origin are set, and the partition may be committed.
	opened atomic.Bool
}

func (g *generation) newPartition(id int) *partition {
	p := &partition{g: g, id: id, log: g.log.WithField("partition", id)}
	p.notice = g.c.cfg.Unreachable.New(p.log)
	p.end.Store(-1)
	return p
}

// committed returns the last known commit: of this generation, else of an earlier one.
func (p *partition) committed() Position {
	if at := p.stored.Load(); at != nil {
		return *at
	}
	return p.g.committed[p.id]
}

func (p *partition) bounds() (first, next int64, err error) {
	c := p.g.c
	err = c.retry(p.g.working, p.notice, "reading the partition's bounds", func() (err error) {
		first, next, err = c.cfg.Client.Bounds(p.g.working, c.cfg.Topic, p.id)
		if err != nil {
			p.boundsTried.Do(p.g.boundsBarrier.tried)
		}
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
	p.g.boundsBarrier.wait(ctx, c.cfg.Clock)
	b := c.newBackoff()
	var goneSince time.Time
	for ctx.Err() == nil {
		page, err := c.cfg.Client.Fetch(ctx, c.cfg.Topic, p.id, p.offset, p.sizer.Next())
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
			if p.outOfRange() != nil {
				return
			}
			continue
		case errors.Is(err, ErrUnknownTopic):
			// The coordinator refuses commits for a deleted topic. An immediate commit also
			// detects a topic that is recreated within the second.
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
		p.notice.Failed("fetching", err)
		_ = c.cfg.Clock.Sleep(ctx, b.Next())
	}
}

// take hands out a page's records, as far as the look-ahead allows.
func (p *partition) take(page Page) error {
	p.observeEnd(page.End)
	p.sizer.Observe(page, page.Next > p.offset)
	if page.Throttled > 0 {
		p.g.noteThrottle()
	}
	for i := range page.Records {
		r := &page.Records[i]
		e, err := p.tracker.track(p.g.working, r)
		if err != nil {
			return err
		}
		if e != nil {
			d := &Delivery{Record: *r, p: p, e: e, firstObserved: p.observations.first(r.Offset), unload: func() {}}
			if r.Loadable() {
				if err := p.load(d); err != nil {
					return err
				}
			}
			p.receive(d)
		}
		page.Records[i] = Record{} // an answered record's memory can be freed soon
	}
	p.tracker.advance(page.Next)
	p.offset = page.Next
	return nil
}

// receive hands out one record. If the handler panics, the record stays unanswered and the
// others continue.
func (p *partition) receive(d *Delivery) {
	defer d.recovered()
	p.g.c.cfg.Handler.Receive(d)
	d.unloadIfDropped()
}

// observeEnd records the partition's end.
func (p *partition) observeEnd(end int64) {
	p.end.Store(end)
	p.observations.add(end, p.g.c.lastObservation.Add(1))
}
