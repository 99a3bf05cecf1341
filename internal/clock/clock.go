// Package clock is the service's only source of time: what it waits for and
// what it stamps. Everything that waits takes a Clock, so that a simulation can
// decide when, and in which order, the waits end.
//
// It is no timer library; whoever waits for an event and a time at once gives
// Sleep a context that the event cancels. Any package may import it.
package clock

import (
	"context"
	"time"
)

// Clock tells the time and waits.
type Clock interface {
	// Now is the present. Differences between two results of one Clock are
	// monotonic: a step of the wall clock does not change them.
	Now() time.Time
	// Sleep returns nil after d, or the context's cause as soon as it is done.
	// A d that is not positive returns at once.
	Sleep(ctx context.Context, d time.Duration) error
}

// System is the machine's clock.
var System Clock = system{}

type system struct{}

func (system) Now() time.Time { return time.Now() }

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
