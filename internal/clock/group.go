package clock

import (
	"context"
	"sync"
	"time"
)

// Group is a sync.WaitGroup that uses a Clock for its goroutines and waits. The zero value
// is ready to use.
type Group struct {
	mu   sync.Mutex
	n    int
	idle chan struct{} // closed when n falls to 0; nil if no Wait is running
}

// Go runs f in a goroutine of the group.
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

// Wait returns when all goroutines of the group have ended.
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
	_ = c.Wait(context.Background(), idle) // the context never ends, so there is no error
}

// WithTimeout returns a context that ends after d on the given clock. It differs from
// context.WithTimeout: after d, context.Cause returns context.DeadlineExceeded but Err
// returns context.Canceled, and Deadline reports no deadline.
func WithTimeout(ctx context.Context, c Clock, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	c.Go(func() {
		if c.Sleep(ctx, d) == nil {
			cancel(context.DeadlineExceeded)
		}
	})
	return ctx, func() { cancel(context.Canceled) }
}
