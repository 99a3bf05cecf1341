package pace

import (
	"context"
	"slices"
	"time"

	"remux-retrier/internal/clock"
)

// waiter is one place in the queue. The gate's lock guards it.
type waiter struct {
	ticket uint64    // grows with each that comes
	came   time.Time // see Permit.WaitNew; zero: it is no newcomer
	front  bool      // see AcquireFront
	// called is closed when the waiter has got its turn, or is the next.
	called chan struct{}
	// sent is when it got its turn; zero: it waits.
	sent time.Time
	// next: it was called to wait for its time, or for its alarm.
	next  bool
	alarm clock.Alarm
}

// await queues the waiter before the given place, and returns when it got its turn.
func (g *Gate) await(ctx context.Context, w *waiter, place int) (sent time.Time, err error) {
	g.queue = slices.Insert(g.queue, place, w)
	g.dispatch()
	g.mu.Unlock()

	_ = g.cfg.Clock.Wait(ctx, w.called) // whose context ends may have been called all the same: both are looked at
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

// dispatch gives their turns to all whose time has come, in their order, and
// returns how long the next has to wait. It does so itself instead of waking them
// one by one: under load each would be scheduled late, and all behind it later
// still. The next one is called, to wait for its time.
func (g *Gate) dispatch() (wait time.Duration) {
	for len(g.queue) > 0 {
		now := g.cfg.Clock.Now()
		i, newcomer := g.next(now)
		w := g.queue[i]
		if wait = g.wait(now, newcomer); wait > 0 {
			if !w.next {
				w.next = true
				close(w.called)
			}
			return wait
		}
		g.take(now)
		w.sent = now
		g.queue = slices.Delete(g.queue, i, i+1)
		if w.next {
			w.alarm.Ring()
		} else {
			close(w.called)
		}
	}
	return never
}

// next is whose turn is next: the first in the queue or, while the breaker is
// open, the first newcomer. A request that others' answers wait for goes before
// those: it changes nothing, and is the better probe.
func (g *Gate) next(now time.Time) (i int, newcomer bool) {
	if !g.breaker.open(now) {
		return 0, false
	}
	since := g.breaker.since()
	for i, w := range g.queue {
		switch {
		case w.came.After(since):
			return i, true
		case w.front:
			return i, false
		}
	}
	return 0, false
}

// changed: the next may have to wait for less, or for longer, than it thinks.
func (g *Gate) changed() {
	g.dispatch()
	if len(g.queue) > 0 {
		i, _ := g.next(g.cfg.Clock.Now())
		g.queue[i].alarm.Ring()
	}
}

// wait is how long the next request has to.
func (g *Gate) wait(now time.Time, newcomer bool) time.Duration {
	return max(g.quota.wait(now), g.throttle.wait(now), g.breaker.wait(now, newcomer), g.hold.Sub(now))
}

// take spends a turn.
func (g *Gate) take(now time.Time) {
	g.throttle.take(now, g.quota.interval())
	g.quota.take(now)
	g.breaker.sent(now)
}
