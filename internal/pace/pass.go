package pace

import (
	"context"
	"math"
	"slices"
	"time"

	"remux-retrier/internal/clock"
)

// longestHold bounds what a Retry-After can ask for.
const longestHold = time.Hour

// Pass is the right to send requests, one at a time.
type Pass struct {
	g      *Gate
	behind int       // so many others at most have their turn before it
	sent   time.Time // zero: none is under way
}

// Enter waits until fewer than MaxInFlight others are inside.
func (g *Gate) Enter(ctx context.Context) (*Pass, error) {
	if err := g.slots.Acquire(ctx); err != nil {
		return nil, err
	}
	return &Pass{g: g, behind: math.MaxInt}, nil
}

// EnterAhead is Enter before all others that wait, for a request that several
// others' answers wait for; it has its turn when so many others have had theirs.
func (g *Gate) EnterAhead(ctx context.Context, behind int) (*Pass, error) {
	if err := g.slots.AcquireNext(ctx); err != nil {
		return nil, err
	}
	return &Pass{g: g, behind: behind}, nil
}

// Leave gives the place back. Every Pass must be left.
func (p *Pass) Leave() { p.g.slots.Release() }

// waiter is one place in the queue. The gate's lock guards it.
type waiter struct {
	// called is closed when the waiter has got its turn, or has become the head.
	called chan struct{}
	// sent is when it got its turn; zero: it waits.
	sent time.Time
	// head: it is the one that waits for the time, or for its alarm.
	head  bool
	alarm clock.Alarm
}

// Turn waits for a request's turn. The request must then be sent at once and
// its end be reported with Done.
func (p *Pass) Turn(ctx context.Context) error {
	g := p.g
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	w := &waiter{called: make(chan struct{})}
	g.mu.Lock()
	g.queue = slices.Insert(g.queue, min(p.behind, len(g.queue)), w)
	g.dispatch()
	g.mu.Unlock()

	_ = g.cfg.Clock.Wait(ctx, w.called) // who gives up may have been called all the same: both are looked at
	for {
		wait := never
		g.mu.Lock()
		if w.sent.IsZero() && ctx.Err() == nil {
			wait = g.dispatch()
		}
		switch {
		case !w.sent.IsZero():
			g.mu.Unlock()
			p.sent = w.sent
			return nil
		case ctx.Err() != nil:
			i := slices.Index(g.queue, w)
			g.queue = slices.Delete(g.queue, i, i+1)
			g.dispatch()
			g.mu.Unlock()
			return context.Cause(ctx)
		}
		g.mu.Unlock()
		w.alarm.Wait(ctx, g.cfg.Clock, wait)
	}
}

// dispatch gives their turns to all at the front of the queue whose time has
// come, and returns how long the next has to wait. It does so itself instead of
// waking them one by one: under load each would be scheduled late, and all
// behind it later still. The new head is called, to wait for its time.
func (g *Gate) dispatch() (wait time.Duration) {
	for len(g.queue) > 0 {
		now := g.cfg.Clock.Now()
		w := g.queue[0]
		if wait = max(g.rate.wait(now), g.health.wait(now), g.hold.Sub(now)); wait > 0 {
			if !w.head {
				w.head = true
				close(w.called)
			}
			return wait
		}
		g.rate.take(now)
		g.health.sent(now)
		w.sent = now
		g.queue = slices.Delete(g.queue, 0, 1)
		if w.head {
			w.alarm.Ring()
		} else {
			close(w.called)
		}
	}
	return never
}

// changed: the head may have to wait for less, or for longer, than it thinks.
func (g *Gate) changed() {
	g.dispatch()
	if len(g.queue) > 0 {
		g.queue[0].alarm.Ring()
	}
}

// Done reports how the request ended. retryAfter, where the answer gave one,
// holds everybody.
func (p *Pass) Done(result Result, retryAfter time.Duration) {
	g := p.g
	now := g.cfg.Clock.Now()
	g.mu.Lock()
	g.ended(result == Served)
	switch result {
	case Served:
		g.tally.Served++
	case Throttled:
		g.tally.Throttled++
		g.rate.throttled(now, p.sent)
	}
	if retryAfter > 0 {
		if until := now.Add(min(retryAfter, longestHold)); until.After(g.hold) {
			g.hold = until
		}
	}
	closed, opened := g.health.answered(now, result == Served, result == Failed && retryAfter > 0)
	if closed {
		g.tally.Outages++
	}
	g.changed()
	g.mu.Unlock()
	p.sent = time.Time{}
	switch {
	case closed:
		g.cfg.Logger.Warn("MPC does not serve: calls are held back, one probe a second; no event is answered because of it")
	case opened:
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

// Cancel gives back a turn whose request was not sent. Its quota is spent.
func (p *Pass) Cancel() {
	p.g.mu.Lock()
	p.g.health.inFlight--
	p.g.mu.Unlock()
	p.sent = time.Time{}
}

// Extra waits for the turn of a request that a call needs beyond its own, and
// counts it against the quota.
func (g *Gate) Extra(ctx context.Context) error {
	p := &Pass{g: g, behind: 1} // others are not yet half-way through a call
	if err := p.Turn(ctx); err != nil {
		return err
	}
	p.Cancel()
	return nil
}
