package pace

import (
	"context"
	"errors"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/clock"
)

// never is a wait that only a change ends.
const never = time.Hour

// longestHold bounds what a Retry-After can ask for.
const longestHold = time.Hour

// Result is what a request's end says about the API.
type Result int

// The results. Only Served says that the API did its work, whatever it answered
// about the task.
const (
	Served Result = iota
	Throttled
	Failed
)

// Config of a Gate. All fields are required, but PerWindow.
type Config struct {
	// PerWindow is how many requests the whole group may send in a Window; 0:
	// as many as it likes.
	PerWindow int
	// Window is the quota's: a minute, for MPC.
	Window time.Duration
	// MaxInFlight bounds the requests of this instance under way at once.
	MaxInFlight int
	Clock       clock.Clock
	Logger      logrus.FieldLogger
}

// Gate lets requests to the API through, one at a time and in the order in
// which they asked.
type Gate struct {
	cfg   Config
	slots *clock.Semaphore

	mu     sync.Mutex
	queue  []*waiter // who waits for a turn, in turn
	rate   rate
	health health
	hold   time.Time // a Retry-After: nothing leaves before
	tally  Tally
}

// Tally counts what has ended since the start.
type Tally struct {
	// Ended counts requests, Served and Throttled those of them.
	Ended, Served, Throttled int64
	// Outages counts how often the API was found not to serve.
	Outages int64
}

// State is what the gate is at, for people and metrics.
type State struct {
	Tally
	// PerMinute is the rate in force; +Inf: unlimited.
	PerMinute float64
	// Share is this instance's part of the quota, a minute; +Inf: unlimited.
	Share float64
	// Waiting counts the requests that wait for a turn, InFlight those under way.
	Waiting, InFlight int
	// Available tells whether the API is thought to serve.
	Available bool
	// Down is since when the API has not served; zero: it does.
	Down time.Time
	// Hold is until when a Retry-After forbids requests; it may be past.
	Hold time.Time
}

// New makes a gate that lets nothing through until Assign gives it a share.
func New(cfg Config) (*Gate, error) {
	if cfg.PerWindow < 0 || cfg.Window <= 0 || cfg.MaxInFlight <= 0 || cfg.Clock == nil || cfg.Logger == nil {
		return nil, errors.New("pace: Window, MaxInFlight, Clock and Logger are required, PerWindow must not be negative")
	}
	return &Gate{cfg: cfg, rate: newRate(), slots: clock.NewSemaphore(cfg.Clock, cfg.MaxInFlight)}, nil
}

// Assign sets the share for the partitions now owned, of a topic with so many.
func (g *Gate) Assign(partitions []int, of int) {
	share, owing := math.Inf(1), 0.0
	if g.cfg.PerWindow > 0 {
		n := Share(g.cfg.PerWindow, partitions, of)
		if n == 0 && len(partitions) > 0 {
			g.cfg.Logger.Warn("this instance's share of MPC_REQUESTS_PER_MINUTE is 0: it will not call; run no more instances than calls a minute")
		}
		share, owing = float64(n), owed(g.cfg.PerWindow, partitions, of)
	}
	g.mu.Lock()
	g.rate.set(g.cfg.Clock.Now(), share, g.cfg.Window, owing)
	g.changed()
	g.mu.Unlock()
}

// Pass is the right to send requests, one at a time.
type Pass struct {
	g    *Gate
	sent time.Time // zero: none is under way
}

// Enter waits until fewer than MaxInFlight others are inside.
func (g *Gate) Enter(ctx context.Context) (*Pass, error) {
	if err := g.slots.Acquire(ctx); err != nil {
		return nil, err
	}
	return &Pass{g: g}, nil
}

// Leave gives the place back. Every Pass must be left.
func (p *Pass) Leave() { p.g.slots.Release() }

// Turn waits for a request's turn. The request must then be sent at once and
// its end be reported with Done.
func (p *Pass) Turn(ctx context.Context) error { return p.turn(ctx, math.MaxInt) }

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

// turn waits with so many others before it at most.
func (p *Pass) turn(ctx context.Context, behind int) error {
	g := p.g
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	w := &waiter{called: make(chan struct{})}
	g.mu.Lock()
	g.queue = slices.Insert(g.queue, min(behind, len(g.queue)), w)
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
	g.tally.Ended++
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
	p := &Pass{g: g}
	if err := p.turn(ctx, 1); err != nil { // others are not yet half-way through a call
		return err
	}
	p.Cancel()
	return nil
}

// Tally is the count so far.
func (g *Gate) Tally() Tally {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tally
}

// Available tells whether the API is thought to serve.
func (g *Gate) Available() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.available()
}

func (g *Gate) available() bool {
	return g.health.closed.IsZero() && !g.health.isSilent(g.cfg.Clock.Now())
}

// State tells what the gate is at.
func (g *Gate) State() State {
	g.mu.Lock()
	defer g.mu.Unlock()
	// An instance that has had nothing to ask with for long knows nothing of an
	// outage any more.
	idle := len(g.queue) == 0 && g.health.inFlight == 0 && g.cfg.Clock.Now().Sub(g.health.probed) > 3*probeAtMost
	return State{
		Tally: g.tally, PerMinute: 60 * g.rate.current(), Share: 60 * g.rate.share / headroom, Waiting: len(g.queue),
		Available: idle || g.available(), InFlight: g.health.inFlight, Down: g.health.closed, Hold: g.hold,
	}
}
