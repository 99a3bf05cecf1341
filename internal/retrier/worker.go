package retrier

import (
	"context"
	"slices"
)

// worker is a goroutine in which tasks run, one after the other. Between two it
// waits: a new goroutine for each task would grow its stack each time. It ends with
// the generation, or when enough others wait. The schedule's lock guards it.
type worker struct {
	next *task         // it has been handed; nil: none
	kept bool          // it waits, or will, to be handed a task
	wake chan struct{} // closed when it has been; nil: it does not wait
}

// hand has a worker run the task.
func (s *schedule) hand(t *task) {
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

// keep has a worker wait for the next task, unless many do.
func (s *schedule) keep(w *worker) {
	if len(s.idle) < s.mostIdle {
		w.kept = true
		s.idle = append(s.idle, w)
	}
}

// runTasks runs one task after the other.
func (s *schedule) runTasks(ctx context.Context, t *task) {
	for w := new(worker); t != nil; t = s.await(ctx, w) {
		next := pause{phase: held} // if it panics
		s.first(t).Lease.Do(func() { next = s.work(t) })
		s.left(t, next, w)
	}
}

// await waits for the worker's next task; nil: there is none.
func (s *schedule) await(ctx context.Context, w *worker) *task {
	s.mu.Lock()
	if w.kept {
		wake := make(chan struct{})
		w.wake = wake
		s.mu.Unlock()
		_ = s.clock.Wait(ctx, wake) // whose context ends may have been handed a task all the same
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
