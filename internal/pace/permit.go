package pace

import (
	"context"
	"math"
	"time"
)

// longestHold bounds a Retry-After.
const longestHold = time.Hour

// Permit is the right to send requests, one at a time.
type Permit struct {
	g      *Gate
	behind int       // at most this many waiting requests go first
	sent   time.Time // zero: no request is in flight
	ticket uint64
	again  bool // its last request was throttled: it keeps its ticket
}

// Acquire waits until fewer than MaxInFlight permits are held. Each permit must be
// released. It fails only with the context's cause.
func (g *Gate) Acquire(ctx context.Context) (*Permit, error) {
	if err := g.permits.Acquire(ctx); err != nil {
		return nil, err
	}
	return &Permit{g: g, behind: math.MaxInt}, nil
}

// AcquireFront is like Acquire, but goes before all that wait for a permit. At most behind
// waiting requests are sent before its request. It is for a request that several answers
// depend on.
func (g *Gate) AcquireFront(ctx context.Context, behind int) (*Permit, error) {
	if err := g.permits.AcquireFront(ctx); err != nil {
		return nil, err
	}
	return &Permit{g: g, behind: behind}, nil
}

// Release gives the permit back.
func (p *Permit) Release() { p.g.permits.Release() }

// Wait waits for a request's turn: for the quota, throttling and the circuit breaker. Then
// the request must be sent at once and its result reported with Done, or Cancel be called.
// A permit whose last request was throttled goes before all that came later. Wait fails only
// with the context's cause.
func (p *Permit) Wait(ctx context.Context) error { return p.WaitNew(ctx, time.Time{}) }

// WaitNew is Wait for a task that arrived at the given time and was not called yet. If the
// circuit breaker opened before the task arrived, its request is the next probe: the breaker
// is not open because of this task.
func (p *Permit) WaitNew(ctx context.Context, arrived time.Time) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	g := p.g
	g.mu.Lock()
	now := g.cfg.Clock.Now()
	if !p.again {
		g.tickets++
		p.ticket = g.tickets
	}
	if len(g.queue) == 0 && g.wait(now, false) <= 0 {
		g.take(now)
		g.mu.Unlock()
		p.sent = now
		return nil
	}
	place := min(p.behind, len(g.queue))
	if p.again {
		for i, w := range g.queue[:place] {
			if w.ticket > p.ticket {
				place = i
				break
			}
		}
	}
	sent, err := g.enqueue(ctx, &waiter{ticket: p.ticket, arrived: arrived, front: p.behind < math.MaxInt, notified: make(chan struct{})}, place)
	p.sent = sent
	return err
}

// Done reports a request's result. A retryAfter holds all requests back, for longestHold at
// most; 0: none.
func (p *Permit) Done(result Result, retryAfter time.Duration) {
	g := p.g
	g.mu.Lock()
	now := g.cfg.Clock.Now()
	g.ended(result == Served)
	switch result {
	case Served:
		g.counters.Served++
		g.throttle.served(now, p.sent)
	case Throttled:
		g.counters.Throttled++
		g.throttle.throttled(now, p.sent, g.quota.rate)
	}
	if retryAfter > 0 {
		if until := now.Add(min(retryAfter, longestHold)); until.After(g.hold) {
			g.hold = until
		}
	}
	opened, closed := g.breaker.done(now, result, result == Failed && retryAfter > 0)
	if opened {
		g.counters.Outages++
	}
	g.changed()
	tell := g.failing
	if result != Failed || g.breaker.openedAt.IsZero() {
		tell = nil
	}
	g.mu.Unlock()
	if tell != nil {
		tell()
	}
	p.sent, p.again = time.Time{}, result == Throttled
	switch {
	case opened:
		g.cfg.Logger.Warn("MPC does not serve: calls are paused except for at most one probe a second; no event fails, all stay queued")
	case closed:
		g.cfg.Logger.Info("MPC serves again")
	}
}

// ended counts a finished request.
func (g *Gate) ended(served bool) {
	at := &g.served[g.counters.Ended%RecentRequests]
	if *at {
		g.counters.RecentlyServed--
	}
	if *at = served; served {
		g.counters.RecentlyServed++
	}
	g.counters.Ended++
}

// Cancel gives back a turn whose request was not sent.
func (p *Permit) Cancel() { p.leave(true) }

// leave ends a turn without a result.
func (p *Permit) leave(unused bool) {
	g := p.g
	g.mu.Lock()
	g.breaker.inFlight--
	if unused {
		g.quota.giveBack(p.sent)
		g.changed()
	}
	g.mu.Unlock()
	p.sent = time.Time{}
}

// WaitExtra waits for the turn of an additional request that a call needs, and counts it
// against the quota.
func (g *Gate) WaitExtra(ctx context.Context) error {
	p := &Permit{g: g, behind: 1} // before all but one: its call has begun, theirs have not
	if err := p.Wait(ctx); err != nil {
		return err
	}
	p.leave(false)
	return nil
}
