package retrier

import (
	"context"
	"sync"

	"remux-retrier/internal/clock"
)

// tasks lets one event of a task work at a time; its twins wait, in the order in
// which they came. It outlives generations, so that a call that was begun in one
// and a call in the next are never under way together.
type tasks struct {
	clock clock.Clock

	mu   sync.Mutex
	busy map[string]*turnstile
}

// turnstile is one task's.
type turnstile struct {
	*clock.Semaphore
	users int // inside or waiting; guarded by tasks.mu
}

func newTasks(c clock.Clock) *tasks { return &tasks{clock: c, busy: map[string]*turnstile{}} }

// enter waits for the task and returns what gives it back.
func (t *tasks) enter(ctx context.Context, id string) (leave func(), err error) {
	t.mu.Lock()
	s := t.busy[id]
	if s == nil {
		s = &turnstile{Semaphore: clock.NewSemaphore(t.clock, 1)}
		t.busy[id] = s
	}
	s.users++
	t.mu.Unlock()

	if err := s.Acquire(ctx); err != nil {
		t.drop(id, s)
		return nil, err
	}
	return func() {
		s.Release()
		t.drop(id, s)
	}, nil
}

func (t *tasks) drop(id string, s *turnstile) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.users--; s.users == 0 {
		delete(t.busy, id)
	}
}
