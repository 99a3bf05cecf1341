package simulation

import (
	"context"
	"time"

	"remux-retrier/internal/clock"
)

// epoch is the start time of every simulation.
var epoch = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// processClock is the clock of one process: the common time plus the error of its machine's
// wall clock.
type processClock struct{ p *process }

var _ clock.Clock = processClock{}

// Now has a monotonic reading, like the machine's clock: the wall clock may jump, but the
// time between two readings is right.
func (c processClock) Now() time.Time { return reading(epoch.Add(c.p.s.now+c.p.off), c.p.s.now) }

// Wall is the time of the machine's wall clock, including jumps.
func (c processClock) Wall() time.Time { return c.Now().Round(0) }

func (c processClock) Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s := c.p.s
	until := s.now + max(d, 0)
	s.park(until, nil, ctx.Done())
	// If both happened, the sleeper may see either.
	if ctx.Err() != nil && (s.now < until || s.rand.IntN(2) == 0) {
		return context.Cause(ctx)
	}
	return nil
}

func (c processClock) Wait(ctx context.Context, done <-chan struct{}) error {
	if ctx.Err() == nil || isClosed(done) {
		c.p.s.park(never, done, ctx.Done())
	}
	if isClosed(done) {
		return nil
	}
	return context.Cause(ctx)
}

func (c processClock) Go(f func()) { c.p.spawn(f) }
