// Package clock is the service's only source of time and of concurrency: what
// it stamps, what it waits for, and what runs beside it. Everything that waits
// takes a Clock, so that a simulation can decide when, and in which order, the
// waits end.
//
// It is no timer library; whoever waits for an event and a time at once gives
// Sleep a context that the event cancels. Any package may import it.
package clock

import (
	"context"
	"time"
)

// Clock tells the time, waits, and starts goroutines.
type Clock interface {
	// Now is the present. Differences between two results of one Clock are
	// monotonic: a step of the wall clock does not change them.
	Now() time.Time
	// Wall is the present by the machine's wall clock, which may step back and
	// forth. Compare with it what is stamped in a log; measure with Now.
	Wall() time.Time
	// Sleep returns nil after d, or the context's cause as soon as it is done.
	// A d that is not positive returns at once.
	Sleep(ctx context.Context, d time.Duration) error
	// Wait returns nil once done is closed, or the context's cause if the context
	// is done and done is not closed. Nothing is ever sent on done.
	Wait(ctx context.Context, done <-chan struct{}) error
	// Go runs f in a goroutine of its own.
	Go(f func())
}

// System is the machine's clock.
var System Clock = system{}

type system struct{}

func (system) Now() time.Time { return time.Now() }

func (system) Wall() time.Time { return time.Now().Round(0) } // without the monotonic reading

func (system) Sleep(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (system) Wait(ctx context.Context, done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-done: // both: what was waited for counts
		return nil
	default:
		return context.Cause(ctx)
	}
}

func (system) Go(f func()) { go f() }
