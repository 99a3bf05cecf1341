package clock

import (
	"context"
	"sync"
	"time"
)

// Group is a sync.WaitGroup whose goroutines, and whose waits, are the clock's.
// The zero value is ready.
type Group struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n falls to 0; nil while nobody waits
}

// Go runs f as one of the group.
func (g *Group) Go(c Clock, f func()) {
	g.mu.Lock()
	g.n++
	g.mu.Unlock()
	c.Go(func() {
		defer g.done()
		f()
	})
}

func (g *Group) done() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.n--; g.n == 0 && g.idle != nil {
		close(g.idle)
		g.idle = nil
	}
}

// Wait returns when all of the group have ended.
func (g *Group) Wait(c Clock) {
	g.mu.Lock()
	if g.n == 0 {
		g.mu.Unlock()
		return
	}
	if g.idle == nil {
		g.idle = make(chan struct{})
	}
	idle := g.idle
	g.mu.Unlock()
	_ = c.Wait(context.Background(), idle) // without an end there is no other error
}

// WithTimeout is context.WithTimeout by the given clock. Its cause is
// context.DeadlineExceeded when the time is over.
func WithTimeout(ctx context.Context, c Clock, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	c.Go(func() {
		if c.Sleep(ctx, d) == nil {
			cancel(context.DeadlineExceeded)
		}
	})
	return ctx, func() { cancel(context.Canceled) }
}
