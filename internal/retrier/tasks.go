package retrier

import (
	"context"
	"slices"
	"sync"

	"remux-retrier/internal/clock"
)

// tasks lets one event of a task work at a time; its twins wait, in the order in
// which they were queued. It outlives generations, so that a call that was begun
// in one and a call in the next are never under way together.
type tasks struct {
	clock clock.Clock

	mu     sync.Mutex
	queues map[string][]*place // by task, whose first place has its turn
}

// place is an event's in its task's queue.
type place struct {
	tasks *tasks
	task  string
	turn  chan struct{} // closed when it has its turn
}

func newTasks(c clock.Clock) *tasks { return &tasks{clock: c, queues: map[string][]*place{}} }

// queue takes the last place. It must be waited for, and left if that succeeds.
func (t *tasks) queue(id string) *place {
	p := &place{tasks: t, task: id, turn: make(chan struct{})}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.queues[id] = append(t.queues[id], p)
	if len(t.queues[id]) == 1 {
		close(p.turn)
	}
	return p
}

// wait returns when the place has its turn. When the context is done it is left
// instead.
func (p *place) wait(ctx context.Context) error {
	_ = p.tasks.clock.Wait(ctx, p.turn)
	if ctx.Err() != nil { // even if the turn has come: nothing new may begin
		p.leave()
		return context.Cause(ctx)
	}
	return nil
}

// leave gives the turn to the next one, if the place had it.
func (p *place) leave() {
	t := p.tasks
	t.mu.Lock()
	defer t.mu.Unlock()
	queue := t.queues[p.task]
	if queue[0] != p {
		i := slices.Index(queue, p)
		t.queues[p.task] = slices.Delete(queue, i, i+1)
		return
	}
	if queue = queue[1:]; len(queue) == 0 {
		delete(t.queues, p.task)
		return
	}
	t.queues[p.task] = queue
	close(queue[0].turn)
}
