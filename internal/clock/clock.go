// Package clock is the only source of time and concurrency for the packages that the
// simulation runs: timestamps, waits and goroutines. Everything that waits takes a Clock, so
// that a simulation can decide when, and in which order, the waits end.
//
// It is not a timer library. To wait for an event or a time, whichever comes first, use
// Alarm, or Wait with a context from WithTimeout. Any package may import it.
package clock

import (
	"context"
	"time"
)

// Clock tells the time, waits, and starts goroutines.
type Clock interface {
	// Now is the current time. Differences between two results of one Clock are monotonic:
	// jumps of the wall clock do not change them.
	Now() time.Time
	// Wall is the current time of the machine's wall clock, which may jump. Use it to
	// compare with timestamps of records; measure durations with Now.
	Wall() time.Time
	// Sleep returns nil after d, or the context's cause as soon as it is done. If d is not
	// positive it returns at once.
	Sleep(ctx context.Context, d time.Duration) error
	// Wait returns nil once done is closed. If the context is done and done is not closed,
	// it returns the context's cause. Nothing may be sent on done.
	Wait(ctx context.Context, done <-chan struct{}) error
	// Go runs f in a new goroutine.
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
	case <-done: // both: done wins
		return nil
	default:
		return context.Cause(ctx)
	}
}

func (system) Go(f func()) { go f() }
