package pace

import (
	"context"
	"slices"
	"time"

	"remux-retrier/internal/clock"
)

// waiter is one waiting request. The gate's lock guards it.
type waiter struct {
	ticket  uint64    // ascending in order of arrival
	arrived time.Time // see Permit.WaitNew; zero: not a newcomer
	front   bool      // see AcquireFront
	// notified is closed when the waiter gets its turn or becomes the next one.
	notified chan struct{}
	// sent is when it got its turn; zero: it waits.
	sent time.Time
	// next: it waits for its time or its alarm.
	next  bool
	alarm clock.Alarm
}

// enqueue queues the waiter at the given position and returns when it gets its turn.
func (g *Gate) enqueue(ctx context.Context, w *waiter, place int) (sent time.Time, err error) {
	g.queue = slices.Insert(g.queue, place, w)
	g.dispatch()
	g.mu.Unlock()

	_ = g.cfg.Clock.Wait(ctx, w.notified) // after an ended context the turn may have come as well: both are checked
	for {
		wait := never
		g.mu.Lock()
		if w.sent.IsZero() && ctx.Err() == nil {
			wait = g.dispatch()
		}
		switch {
		case !w.sent.IsZero():
			g.mu.Unlock()
			return w.sent, nil
		case ctx.Err() != nil:
			i := slices.Index(g.queue, w)
			g.queue = slices.Delete(g.queue, i, i+1)
			g.dispatch()
			g.mu.Unlock()
			return time.Time{}, context.Cause(ctx)
		}
		g.mu.Unlock()
		w.alarm.Wait(ctx, g.cfg.Clock, wait)
	}
}

// dispatch gives a turn to all whose time has come, in order, and returns how long the next
// one must wait. It does not wake them one by one: under load each would be scheduled late,
// and all behind it later still. The next one is notified, to wait for its time.
func (g *Gate) dispatch() (wait time.Duration) {
	for len(g.queue) > 0 {
		now := g.cfg.Clock.Now()
		i, newcomer := g.next(now)
		w := g.queue[i]
		if wait = g.wait(now, newcomer); wait > 0 {
			if !w.next {
				w.next = true
				close(w.notified)
			}
			return wait
		}
		g.take(now)
		w.sent = now
		g.queue = slices.Delete(g.queue, i, i+1)
		if w.next {
			w.alarm.Ring()
		} else {
			close(w.notified)
		}
	}
	return never
}

// next is whose turn is next: the first in the queue or, while the breaker is open, the
// first newcomer. A request that several answers wait for comes before newcomers: it
// changes nothing at MPC, so it is the better probe.
func (g *Gate) next(now time.Time) (i int, newcomer bool) {
	if !g.breaker.open(now) {
		return 0, false
	}
	began := g.breaker.outageBegan()
	for i, w := range g.queue {
		switch {
		case w.arrived.After(began):
			return i, true
		case w.front:
			return i, false
		}
	}
	return 0, false
}

// changed: the next one may have to wait shorter or longer than it believes.
func (g *Gate) changed() {
	g.dispatch()
	if len(g.queue) > 0 {
		i, _ := g.next(g.cfg.Clock.Now())
		g.queue[i].alarm.Ring()
	}
}

// wait is how long the next request must wait.
func (g *Gate) wait(now time.Time, newcomer bool) time.Duration {
	return max(g.quota.wait(now), g.throttle.wait(now), g.breaker.wait(now, newcomer), g.hold.Sub(now))
}

// take uses a turn.
func (g *Gate) take(now time.Time) {
	g.throttle.take(now, g.quota.interval())
	g.quota.take(now)
	g.breaker.sent(now)
}
