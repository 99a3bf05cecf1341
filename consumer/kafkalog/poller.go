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
	// emptyWait is how long a caller waits, over several fetches, until it is told that
	// there is nothing: on an idle machine each caller costs a wake-up.
	emptyWait = 2 * time.Second
	// lateWait is the same for partitions that arrive during such a fetch. The next
	// arrivals wait at most that long.
	lateWait = 50 * time.Millisecond
	// gatherFor is how long a fetch waits for the partitions that the last one answered:
	// most come back at once.
	gatherFor = time.Millisecond
	// idleGatherFor is the same after a fetch that found nothing: one more request for late
	// partitions would cost more than the time.
	idleGatherFor = 5 * time.Millisecond
	// throttledWait is how long a throttled fetch waits before its caller is told.
	throttledWait = 10 * time.Second
	// throttledLately is how long after a throttle only one fetch runs at a time.
	throttledLately = time.Minute
	// fetchTimeout bounds a fetch, including the transfer of its pages.
	fetchTimeout = 10 * time.Second
	// answerBytes bounds a fetch response, over all partitions, in stored bytes. At least
	// one batch is returned, however large.
	answerBytes = 2 << 20
)

// poller combines the Fetch calls for the partitions of one leader into few requests: a
// long one for all, and beside it a short one for calls that arrive during the long one. A
// call without a result goes into the next request, without waking its caller, until
// emptyWait is over.
//
// mu guards the fields below it. It is never held while waiting.
type poller struct {
	long, short *connPool

	mu      sync.Mutex
	waiting []*part   // longest wait first
	away    int       // callers that were answered and have not come back
	polling bool      // a long request is in flight
	late    bool      // a short one is in flight
	idle    bool      // the last long one found nothing
	muted   time.Time // no fetch is sent before this time
	timer   *time.Timer
}

func newPoller(l *Client, broker int32) *poller {
	return &poller{long: newConnPool(l, broker, 1), short: newConnPool(l, broker, 1)}
}

// fetch waits for a part's answer, or until ctx ends.
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
		f.abandoned.Store(true)
		p.mu.Lock()
		defer p.mu.Unlock()
		if i := slices.Index(p.waiting, f); i >= 0 {
			p.waiting = slices.Delete(p.waiting, i, i+1)
		}
		return partAnswer{}, ctx.Err()
	}
}

// next sends a request if one may go now. Otherwise it makes sure that it is called again.
// mu is held.
func (p *poller) next() {
	now := time.Now()
	switch {
	case len(p.waiting) == 0:
	case now.Before(p.muted):
		p.later(p.muted.Sub(now))
	case !p.polling && p.idle && p.late:
		// Let the short request's partitions join the long one, which would otherwise run
		// without them until it finds something.
	case p.polling && (p.late || now.Sub(p.muted) < throttledLately):
		// next is called again when the long request ends.
	case p.away > 0 && p.idle:
		p.later(idleGatherFor)
	case p.polling || p.away > 0:
		p.later(gatherFor)
	default:
		p.poll()
	}
}

// later calls next again after a while.
func (p *poller) later(in time.Duration) {
	if p.timer != nil {
		return
	}
	p.timer = time.AfterFunc(in, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.timer = nil
		p.away = 0
		// Lookups share the short connection, which must not be muted.
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
	if p.timer != nil { // nobody is missing
		p.timer.Stop()
		p.timer = nil
	}
	parts := p.request()
	if len(p.waiting) > 0 {
		p.later(gatherFor)
	}
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
