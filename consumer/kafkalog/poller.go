package kafkalog

import (
	"context"
	"slices"
	"sync"
	"time"
)

const (
	// fetchWait is how long a broker holds a fetch that finds nothing.
	fetchWait = 500 * time.Millisecond
	// lateWait is the same for partitions that come while such a fetch is under
	// way: the next to come wait for that long at most.
	lateWait = 50 * time.Millisecond
	// gatherFor is how long a fetch waits for the partitions that the last one
	// answered for: most come back at once.
	gatherFor = time.Millisecond
	// idleGatherFor is the same where the last one found nothing: another request
	// for whoever comes back a little later would cost more than the time.
	idleGatherFor = 5 * time.Millisecond
	// throttledWait is how long a throttled fetch waits before its caller is told.
	throttledWait = 10 * time.Second
	// throttledLately is for how long after a throttle there is one fetch at a time.
	throttledLately = time.Minute
	// fetchTimeout bounds a fetch, the transfer of its pages included.
	fetchTimeout = 10 * time.Second
	// answerBytes bounds an answer to a fetch, all partitions together, as it is
	// stored. At least one batch is returned, however large.
	answerBytes = 2 << 20
)

// poller joins the Fetch calls for the partitions that one broker leads into few
// requests: a long one for all, and beside it a short one for those that come
// while the long one is under way. A call that an answer brings nothing for goes
// into the next request, without waking its caller, until fetchWait is over.
//
// mu guards all below it. It is never held while waiting.
type poller struct {
	long, short *line

	mu      sync.Mutex
	waiting []*part // those that wait longest first
	away    int     // callers that were answered and have not come back
	polling bool    // a long request is under way
	late    bool    // a short one is
	idle    bool    // the last long one brought nothing
	muted   time.Time
	timer   *time.Timer
}

func newPoller(l *Log, broker int32) *poller {
	return &poller{long: newLine(l, broker, 1), short: newLine(l, broker, 1)}
}

// fetch waits for a part's answer, or for the end of ctx.
func (p *poller) fetch(ctx context.Context, f *part) (partAnswer, error) {
	p.mu.Lock()
	p.waiting = append(p.waiting, f)
	p.away--
	p.next()
	p.mu.Unlock()
	select {
	case a := <-f.answered:
		return a, a.err
	case <-ctx.Done():
		f.gone.Store(true)
		p.mu.Lock()
		defer p.mu.Unlock()
		if i := slices.Index(p.waiting, f); i >= 0 {
			p.waiting = slices.Delete(p.waiting, i, i+1)
		}
		return partAnswer{}, ctx.Err()
	}
}

// next sends a request where one may go now, and sees to it that it is called
// again otherwise. mu is held.
func (p *poller) next() {
	now := time.Now()
	switch {
	case len(p.waiting) == 0:
	case now.Before(p.muted):
		p.later(p.muted.Sub(now))
	case !p.polling && p.idle && p.late:
		// The short request's partitions are to join the long one, which would
		// otherwise go without them for as long as nothing comes.
	case p.polling && (p.late || now.Sub(p.muted) < throttledLately):
		// The end of the long one comes back to this.
	case p.away > 0 && p.idle:
		p.later(idleGatherFor)
	case p.polling || p.away > 0:
		p.later(gatherFor)
	default:
		p.poll()
	}
}

// later looks again at what waits.
func (p *poller) later(in time.Duration) {
	if p.timer != nil {
		return
	}
	p.timer = time.AfterFunc(in, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.timer = nil
		p.away = 0
		// Lookups share the short line, which must not be muted.
		throttled := time.Since(p.muted) < throttledLately
		if len(p.waiting) > 0 && p.polling && !p.late && !throttled {
			p.pollLate()
			return
		}
		p.next()
	})
}

func (p *poller) poll() {
	p.polling = true
	parts := p.request()
	go func() {
		brought := p.send(p.long, parts, fetchWait)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.polling, p.idle = false, !brought
		p.next()
	}()
}

func (p *poller) pollLate() {
	p.late = true
	parts := p.request()
	go func() {
		p.send(p.short, parts, lateWait)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.late = false
		p.next()
	}()
}
