package retrier

import (
	"context"
	"sync"
)

// tasks lets one event of a task work at a time; its twins wait. It outlives
// generations, so that a call that was begun in one and a call in the next are
// never under way together.
type tasks struct {
	mu   sync.Mutex
	busy map[string]*turnstile
}

// turnstile is one task's. Its channel holds a token when nobody is inside.
type turnstile struct {
	token chan struct{}
	users int // inside or waiting; guarded by tasks.mu
}

func newTasks() *tasks { return &tasks{busy: map[string]*turnstile{}} }

// enter waits for the task and returns what gives it back.
func (t *tasks) enter(ctx context.Context, id string) (leave func(), err error) {
	t.mu.Lock()
	s := t.busy[id]
	if s == nil {
		s = &turnstile{token: make(chan struct{}, 1)}
		s.token <- struct{}{}
		t.busy[id] = s
	}
	s.users++
	t.mu.Unlock()

	select {
	case <-s.token:
		return func() {
			s.token <- struct{}{}
			t.drop(id, s)
		}, nil
	case <-ctx.Done():
		t.drop(id, s)
		return nil, context.Cause(ctx)
	}
}

func (t *tasks) drop(id string, s *turnstile) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s.users--; s.users == 0 {
		delete(t.busy, id)
	}
}
