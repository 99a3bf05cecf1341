package clock

import (
	"context"
	"slices"
	"sync"
)

// Semaphore admits a number of holders at once, and others in the order in which they
// asked.
type Semaphore struct {
	clock Clock

	mu    sync.Mutex
	free  int
	queue []chan struct{} // closed when its owner is admitted
}

// NewSemaphore admits n holders.
func NewSemaphore(c Clock, n int) *Semaphore { return &Semaphore{clock: c, free: n} }

// Acquire waits until it is admitted, or fails with the context's cause.
func (s *Semaphore) Acquire(ctx context.Context) error { return s.acquire(ctx, false) }

// AcquireFront is like Acquire, but goes before all waiting callers.
func (s *Semaphore) AcquireFront(ctx context.Context) error { return s.acquire(ctx, true) }

func (s *Semaphore) acquire(ctx context.Context, front bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return nil
	}
	turn := make(chan struct{})
	if front {
		s.queue = slices.Insert(s.queue, 0, turn)
	} else {
		s.queue = append(s.queue, turn)
	}
	s.mu.Unlock()
	err := s.clock.Wait(ctx, turn)
	if err == nil {
		return nil
	}
	s.mu.Lock()
	i := slices.Index(s.queue, turn)
	if i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
	}
	s.mu.Unlock()
	if i < 0 {
		s.Release() // it was admitted at the last moment
	}
	return err
}

// Release admits the next one.
func (s *Semaphore) Release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		s.free++
		return
	}
	close(s.queue[0])
	s.queue = s.queue[1:]
}
