package clock

import (
	"context"
	"sync"
	"time"
)

// Group is a sync.WaitGroup that uses a Clock for its goroutines and waits. A goroutine whose
// function has returned is kept for the next function until Wait is called: each new one
// would have to grow its stack again. The zero value is ready to use.
type Group struct {
	mu      sync.Mutex
	running int           // functions
	kept    []*worker     // goroutines without a function
	waited  bool          // Wait was called: no goroutine is kept any more
	empty   chan struct{} // closed when running falls to 0; nil if no Wait is running
}

// worker is a goroutine of a group. The group sets f while it is kept; only its own goroutine
// sets wake.
type worker struct {
	f    func()        // nil: none
	wake chan struct{} // closed when f is set, or when the goroutine must end
}

// maxKept bounds the kept goroutines. Usually fewer functions begin at once.
const maxKept = 128

// Go runs f in a goroutine of the group.
func (g *Group) Go(c Clock, f func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.running++
	if last := len(g.kept) - 1; last >= 0 {
		w := g.kept[last]
		g.kept = g.kept[:last]
		w.f = f
		close(w.wake)
		return
	}
	c.Go(func() { g.work(c, &worker{f: f}) })
}

// work runs one function after the other, and waits in between.
func (g *Group) work(c Clock, w *worker) {
	for w.f != nil && g.call(w) {
		_ = c.Wait(context.Background(), w.wake) // the context never ends, so there is no error
	}
}

// call runs the worker's function. It reports whether the goroutine is kept.
func (g *Group) call(w *worker) bool {
	defer g.done()
	w.f()
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waited || len(g.kept) == maxKept {
		return false
	}
	w.f, w.wake = nil, make(chan struct{})
	g.kept = append(g.kept, w)
	return true
}

func (g *Group) done() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.running--; g.running == 0 && g.empty != nil {
		close(g.empty)
		g.empty = nil
	}
}

// Wait returns when all functions of the group have returned.
func (g *Group) Wait(c Clock) {
	g.mu.Lock()
	g.waited = true
	for _, w := range g.kept {
		close(w.wake)
	}
	g.kept = nil
	if g.running == 0 {
		g.mu.Unlock()
		return
	}
	if g.empty == nil {
		g.empty = make(chan struct{})
	}
	empty := g.empty
	g.mu.Unlock()
	_ = c.Wait(context.Background(), empty) // the context never ends, so there is no error
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
