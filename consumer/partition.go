package consumer

import (
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/notice"
)

// partition reads one partition for one generation.
type partition struct {
	origin
	g       *generation
	id      int
	log     logrus.FieldLogger
	notice  *notice.Notice
	tracker *tracker
	offset  int64 // fetched next
	sizer   FetchSizer
	// end is the partition's end as it was seen last; −1 before the first time.
	end       atomic.Int64
	sightings sightings
	// stored is this generation's last acknowledged commit.
	stored atomic.Pointer[Position]
	sight  sync.Once // see firstSight
	// opened: tracker and origin are there, and the partition may be committed.
	opened atomic.Bool
}

func (g *generation) newPartition(id int) *partition {
	p := &partition{g: g, id: id, log: g.log.WithField("partition", id)}
	p.notice = g.c.cfg.Unreachable.New(p.log)
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

func (p *partition) bounds() (first, next int64, err error) {
	c := p.g.c
	err = c.retry(p.g.working, p.notice, "reading the partition's bounds", func() (err error) {
		first, next, err = c.cfg.Log.Bounds(p.g.working, c.cfg.Topic, p.id)
		if err != nil {
			p.sight.Do(p.g.firstSight.tried)
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
	p.g.firstSight.wait(ctx, c.cfg.Clock)
	b := c.newBackoff()
	var goneSince time.Time
	for ctx.Err() == nil {
		page, err := c.cfg.Log.Fetch(ctx, c.cfg.Topic, p.id, p.offset, p.sizer.Next())
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
		p.notice.Failed("fetching", err)
		_ = c.cfg.Clock.Sleep(ctx, b.Next())
	}
}

// take hands a page's records out, as far as the look-ahead allows.
func (p *partition) take(page Page) error {
	p.saw(page.End)
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
			d := &Delivery{Record: *r, p: p, e: e, seen: p.sightings.of(r.Offset), unload: func() {}}
			if r.Loadable() {
				if err := p.load(d); err != nil {
					return err
				}
			}
			p.receive(d)
		}
		page.Records[i] = Record{} // what is answered soon is freed soon
	}
	p.tracker.advance(page.Next)
	p.offset = page.Next
	return nil
}

// receive hands out one record. If that panics, the record is held and the others
// go on.
func (p *partition) receive(d *Delivery) {
	defer d.recovered()
	p.g.c.cfg.Handler.Receive(d)
	d.unloaded()
}

// lookAtEnd learns where the partition ends while no page is fetched, because
// the look-ahead is full: the lag is to be known when it is largest.
func (p *partition) lookAtEnd() {
	if !p.opened.Load() || !p.tracker.full() {
		return
	}
	_, next, err := p.g.c.cfg.Log.Bounds(p.g.working, p.g.c.cfg.Topic, p.id)
	if err == nil {
		p.saw(next)
	}
}

// saw takes note of the partition's end.
func (p *partition) saw(end int64) {
	p.end.Store(end)
	p.sightings.add(end, p.g.c.sighted.Add(1))
}
