package kafkalog

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/segmentio/kafka-go/protocol"
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
	// throttledWait is how long a throttled fetch waits before its caller is told.
	throttledWait = 10 * time.Second
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
	log    *Log
	broker int32
	short  chan struct{} // full while a short request, or a lookup, is under way

	mu      sync.Mutex
	waiting []*part // those that wait longest first
	away    int     // callers that were answered and have not come back
	long    bool    // a long request is under way
	idle    bool    // the last long one brought nothing
	muted   time.Time
	timer   *time.Timer
}

func newPoller(l *Log, broker int32) *poller {
	return &poller{log: l, broker: broker, short: make(chan struct{}, 1)}
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
	case !p.long && p.idle && len(p.short) > 0:
		// The short request's partitions are to join the long one, which would
		// otherwise go without them for as long as nothing comes.
	case p.long || p.away > 0:
		p.later(gatherFor)
	default:
		p.sendLong()
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
		if len(p.waiting) == 0 || !p.long || time.Now().Before(p.muted) {
			p.next()
			return
		}
		select {
		case p.short <- struct{}{}:
			parts := p.request()
			go func() { p.send(parts, lateWait); p.endShort() }()
		default: // endShort comes back to it
		}
	})
}

func (p *poller) sendLong() {
	p.long = true
	parts := p.request()
	go func() {
		brought := p.send(parts, fetchWait)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.long, p.idle = false, !brought
		p.next()
	}()
}

func (p *poller) endShort() {
	p.mu.Lock()
	defer p.mu.Unlock()
	<-p.short
	p.next()
}

// lookUp sends a request in a short one's place.
func (p *poller) lookUp(ctx context.Context, req protocol.Message) (protocol.Message, error) {
	select {
	case p.short <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer p.endShort()
	m, _, err := p.log.call(ctx, p.broker, requestTimeout, req)
	return m, err
}
