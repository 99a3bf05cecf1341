package clock

import (
	"context"
	"sync"
	"time"
)

// Alarm waits for a time or for a ring, whichever comes first. One goroutine waits, any
// number may ring. The zero value is ready to use.
type Alarm struct {
	mu   sync.Mutex
	rung bool
	wake context.CancelFunc
}

// Ring ends the current wait, or the next one if there is none.
func (a *Alarm) Ring() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.rung = true
	if a.wake != nil {
		a.wake()
	}
}

// Wait returns after d, after a ring, or when the context is done.
func (a *Alarm) Wait(ctx context.Context, c Clock, d time.Duration) {
	sleep, wake := context.WithCancel(ctx)
	defer wake()
	a.mu.Lock()
	if a.rung {
		wake()
	}
	a.wake = wake
	a.mu.Unlock()

	_ = c.Sleep(sleep, d) // why it ended does not matter: the caller checks again

	a.mu.Lock()
	a.rung, a.wake = false, nil
	a.mu.Unlock()
}
