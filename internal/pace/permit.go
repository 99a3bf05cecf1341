package pace

import (
	"context"
	"math"
	"time"
)

// longestHold bounds what a Retry-After can ask for.
const longestHold = time.Hour

// Permit is the right to send requests, one at a time.
type Permit struct {
	g      *Gate
	behind int       // its turn comes before all but so many that wait
	sent   time.Time // zero: no request is under way
	ticket uint64
	again  bool // its last request was throttled: it keeps its ticket
}

// Acquire waits until fewer than MaxInFlight permits are held. Each must be
// released.
func (g *Gate) Acquire(ctx context.Context) (*Permit, error) {
	if err := g.permits.Acquire(ctx); err != nil {
		return nil, err
	}
	return &Permit{g: g, behind: math.MaxInt}, nil
}

// AcquireFront is Acquire before all others that wait, for a request that several
// others' answers wait for. Its turn comes behind at most so many.
func (g *Gate) AcquireFront(ctx context.Context, behind int) (*Permit, error) {
	if err := g.permits.AcquireNext(ctx); err != nil {
		return nil, err
	}
	return &Permit{g: g, behind: behind}, nil
}

// Release gives the permit back.
func (p *Permit) Release() { p.g.permits.Release() }

// Wait waits for the turn of a request: for the quota, throttling and the circuit
// breaker. The request must then be sent at once, and its end be reported by Done;
// or Cancel be called. A permit whose last request was throttled goes before all
// that came later.
func (p *Permit) Wait(ctx context.Context) error { return p.WaitNew(ctx, time.Time{}) }

// WaitNew is Wait for a task whose event came at that time and which has not been
// called since. If the circuit breaker has opened before that, it is the next
// probe.
func (p *Permit) WaitNew(ctx context.Context, came time.Time) error {
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
	sent, err := g.await(ctx, &waiter{ticket: p.ticket, came: came, front: p.behind < math.MaxInt, called: make(chan struct{})}, place)
	p.sent = sent
	return err
}

// Done reports how the request ended. retryAfter, where the answer gave one,
// holds everybody.
func (p *Permit) Done(result Result, retryAfter time.Duration) {
	g := p.g
	g.mu.Lock()
	now := g.cfg.Clock.Now()
	g.ended(result == Served)
	switch result {
	case Served:
		g.tally.Served++
		g.throttle.served(now, p.sent)
	case Throttled:
		g.tally.Throttled++
		g.throttle.throttled(now, p.sent, g.quota.rate)
	}
	if retryAfter > 0 {
		if until := now.Add(min(retryAfter, longestHold)); until.After(g.hold) {
			g.hold = until
		}
	}
	opened, closed := g.breaker.done(now, result, result == Failed && retryAfter > 0)
	if opened {
		g.tally.Outages++
	}
	g.changed()
	tell := g.failing
	if result != Failed || g.breaker.opened.IsZero() {
		tell = nil
	}
	g.mu.Unlock()
	if tell != nil {
		tell()
	}
	p.sent, p.again = time.Time{}, result == Throttled
	switch {
	case opened:
		g.cfg.Logger.Warn("MPC does not serve: calls are held back, one probe a second; no event fails because of it")
	case closed:
		g.cfg.Logger.Info("MPC serves again")
	}
}

// ended counts a request.
func (g *Gate) ended(served bool) {
	at := &g.served[g.tally.Ended%Last]
	if *at {
		g.tally.Lately--
	}
	if *at = served; served {
		g.tally.Lately++
	}
	g.tally.Ended++
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

// WaitExtra waits for the turn of a request that a call needs beyond its own, and
// counts it against the quota.
func (g *Gate) WaitExtra(ctx context.Context) error {
	p := &Permit{g: g, behind: 1} // others are not yet half-way through a call
	if err := p.Wait(ctx); err != nil {
		return err
	}
	p.leave(false)
	return nil
}
