package retrier

import (
	"context"
	"slices"
)

// worker is a goroutine that runs tasks one after the other and waits in between: a new
// goroutine for each task would grow its stack each time. It ends with the generation, or
// when enough others wait. The schedule's lock guards it.
type worker struct {
	next *task         // the task it was given; nil: none
	kept bool          // it waits, or will, for a task
	wake chan struct{} // closed when it gets one; nil: it does not wait
}

// start runs the task in a worker.
func (s *schedule) start(t *task) {
	if last := len(s.idle) - 1; last >= 0 {
		w := s.idle[last]
		s.idle = s.idle[:last]
		if w.next, w.kept = t, false; w.wake != nil {
			close(w.wake)
		}
		return
	}
	lease := t.waiting[0].Lease
	ctx := lease.Context()
	lease.Go(func() { s.runTasks(ctx, t) })
}

// park lets a worker wait for the next task, unless enough wait already.
func (s *schedule) park(w *worker) {
	if len(s.idle) < s.maxIdle {
		w.kept = true
		s.idle = append(s.idle, w)
	}
}

// runTasks runs one task after the other.
func (s *schedule) runTasks(ctx context.Context, t *task) {
	for w := new(worker); t != nil; t = s.nextTask(ctx, w) {
		next := pause{phase: ending} // if it panics
		s.first(t).Lease.Do(func() { next = s.work(t) })
		s.putAside(t, next, w)
	}
}

// nextTask waits for the worker's next task; nil: there is none.
func (s *schedule) nextTask(ctx context.Context, w *worker) *task {
	s.mu.Lock()
	if w.kept {
		wake := make(chan struct{})
		w.wake = wake
		s.mu.Unlock()
		_ = s.clock.Wait(ctx, wake) // after the context ended it may have got a task as well
		s.mu.Lock()
	}
	defer s.mu.Unlock()
	if w.kept {
		s.idle = slices.DeleteFunc(s.idle, func(other *worker) bool { return other == w })
	}
	t := w.next
	*w = worker{}
	return t
}
