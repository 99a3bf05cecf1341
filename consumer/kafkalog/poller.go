package kafkalog

import (
	"context"
	"slices"
	"sync"
	"time"

	"remux-retrier/internal/clock"
)

const (
	// longFetchWait is how long a broker waits for records before it answers a long fetch.
	longFetchWait = 500 * time.Millisecond
	// shortFetchWait is the same for a short fetch. Calls that arrive during a short fetch
	// wait until it ends.
	shortFetchWait = 50 * time.Millisecond
	// emptyCallTime is how long a Fetch call without records takes. If it were shorter, idle
	// callers would wake up more often. For afterFailure since the last failed call it is
	// longFetchWait.
	emptyCallTime = 2 * time.Second
	afterFailure  = 10 * time.Second
	// gatherTime is how long a new fetch waits for callers that were just answered. Most of
	// them call Fetch again at once.
	gatherTime = time.Millisecond
	// idleGatherTime replaces gatherTime after a long fetch without records. The delay then
	// costs less than an additional short fetch for the callers that return later.
	idleGatherTime = 5 * time.Millisecond
	// throttledCallTime is how long a Fetch call keeps waiting while the broker throttles it,
	// or leaves its partition out of each answer.
	throttledCallTime = 10 * time.Second
	// afterThrottle is how long after a throttle the poller sends no short fetches.
	afterThrottle = time.Minute
	// fetchTimeout bounds a fetch, including the transfer of its pages.
	fetchTimeout = 10 * time.Second
	// answerBytes bounds a fetch response, over all partitions, in stored bytes. At least
	// one batch is returned, however large.
	answerBytes = 2 << 20
)

// poller combines the Fetch calls for the partitions of one leader into few requests: a
// long fetch for all of them, and beside it a short fetch for calls that arrive during the
// long one. A call without a result goes into the next request, without waking its caller,
// until emptyCallTime is over.
//
// mu guards the fields below it. It is never held while waiting.
type poller struct {
	long, short *connPool
	sending     *clock.Group // the client's

	mu             sync.Mutex
	waiting        []*part // longest wait first
	returning      int     // callers that were answered and have not called Fetch again
	longInFlight   bool
	shortInFlight  bool
	lastLongEmpty  bool
	throttledUntil time.Time
	timer          *time.Timer
}

func newPoller(l *Client, broker int32) *poller {
	return &poller{long: newConnPool(l, broker, 1), short: newConnPool(l, broker, 1), sending: &l.fetching}
}

// fetch waits for a part's answer, or until ctx ends.
func (p *poller) fetch(ctx context.Context, f *part) (partAnswer, error) {
	p.mu.Lock()
	p.waiting = append(p.waiting, f)
	p.returning--
	p.sendIfDue()
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

// sendIfDue sends a fetch if one may be sent now. Otherwise sendIfDue is called again later:
// by a timer, or when the fetch in flight ends. mu is held.
func (p *poller) sendIfDue() {
	now := time.Now()
	switch {
	case len(p.waiting) == 0:
	case now.Before(p.throttledUntil):
		p.startTimer(p.throttledUntil.Sub(now))
	case !p.longInFlight && p.lastLongEmpty && p.shortInFlight:
		// The partitions of the short fetch join the next long fetch. Otherwise it would run
		// without them until it finds records.
	case p.longInFlight && (p.shortInFlight || now.Sub(p.throttledUntil) < afterThrottle):
	case p.returning > 0 && p.lastLongEmpty:
		p.startTimer(idleGatherTime)
	case p.longInFlight || p.returning > 0:
		p.startTimer(gatherTime)
	default:
		p.sendLong()
	}
}

// startTimer sends a fetch after the given time, unless a timer runs already.
func (p *poller) startTimer(after time.Duration) {
	if p.timer != nil {
		return
	}
	p.timer = time.AfterFunc(after, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.timer = nil
		p.returning = 0
		// Lookups share the short fetches' connection. The broker must not throttle it.
		throttled := time.Since(p.throttledUntil) < afterThrottle
		if len(p.waiting) > 0 && p.longInFlight && !p.shortInFlight && !throttled {
			p.sendShort()
			return
		}
		p.sendIfDue()
	})
}

func (p *poller) sendLong() {
	p.longInFlight = true
	if p.timer != nil { // all callers have returned
		p.timer.Stop()
		p.timer = nil
	}
	parts := p.request()
	if len(p.waiting) > 0 {
		p.startTimer(gatherTime)
	}
	p.sending.Go(clock.System, func() {
		brought := p.send(p.long, parts, longFetchWait)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.longInFlight, p.lastLongEmpty = false, !brought
		p.sendIfDue()
	})
}

func (p *poller) sendShort() {
	p.shortInFlight = true
	parts := p.request()
	p.sending.Go(clock.System, func() {
		p.send(p.short, parts, shortFetchWait)
		p.mu.Lock()
		defer p.mu.Unlock()
		p.shortInFlight = false
		p.sendIfDue()
	})
}
