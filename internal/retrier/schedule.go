package retrier

import (
	"container/heap"
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/story"
)

// schedule decides which tasks run. A task runs as far as it can without a call: it may
// already be answered, or need a state query first, and doubts left by a crash must not
// hold up calls. To call, it needs a slot: the number of events that are called and
// unacknowledged is limited. And no more tasks may be on their way to a call than calls may
// be in flight: more goroutines would only wait for a permit.
type schedule struct {
	clock       clock.Clock
	work        func(*task) pause // runs a task, and returns what it waits for next
	acknowledge func()            // the method acknowledged, as one value for all answers
	alarm       clock.Alarm       // ring: the first task of later has changed

	mu            sync.Mutex
	tasks         map[string]*task
	toBegin       queue  // ready; get no slot when they start
	toCall        queue  // ready; get a slot when they start
	later         timers // wait for a time
	freeSlots     int
	freeCallers   int       // how many more may be on their way to a call
	freeBeginners int       // how many more may start without a slot
	outage        time.Time // since when tasks wait because MPC serves no task; zero: none does
	// unacknowledged counts slots whose outcome Kafka has not acknowledged.
	unacknowledged int
	awaitingCommit int // tasks that wait for the commit that covers their call
}

func newSchedule(c clock.Clock, maxInFlight int) schedule {
	return schedule{clock: c, tasks: map[string]*task{}, freeSlots: 2 * maxInFlight, freeCallers: maxInFlight, freeBeginners: perRequest * maxInFlight}
}

// errReleased is why a waiting event gets no answer here.
var errReleased = errors.New("the generation has ended")

// add queues an event behind those of its task. A task that needs a call waits for a slot.
func (s *schedule) add(ev *event, needsCall bool) (behind bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	id := ev.Failure.TaskID
	t := s.tasks[id]
	if t != nil {
		ev.step(story.Step{Kind: story.DuplicateWait})
		t.waiting = append(t.waiting, ev)
		return true
	}
	t = &task{id: id, wantsSlot: needsCall}
	t.waiting = append(t.one[:0], ev)
	s.tasks[id] = t
	s.queue(t)
	s.dispatch()
	return false
}

// queue makes a task ready.
func (s *schedule) queue(t *task) {
	t.phase = ready
	if t.wantsSlot {
		s.toCall = append(s.toCall, t)
	} else {
		s.toBegin = append(s.toBegin, t)
	}
}

// dispatch starts the tasks that may run.
func (s *schedule) dispatch() {
	for t := s.take(); t != nil; t = s.take() {
		t.waiting[0].Lease.Go(func() { s.runTasks(t) })
	}
}

// runTasks runs one task after the other. Then it writes the last outcome itself; while other
// tasks may run, another goroutine does.
func (s *schedule) runTasks(t *task) {
	for t != nil {
		next := pause{phase: ending} // if it panics
		s.first(t).Lease.Do(func() { next = s.work(t) })
		write := t.write // read before another goroutine may run the task
		t.write = nil
		t = s.putAside(t, next)
		switch {
		case write == nil:
		case t == nil:
			write()
		default:
			s.first(t).Lease.Go(write)
		}
	}
}

// take returns the next task that may run; nil: none. When the generation ends none may:
// Release takes the rest.
func (s *schedule) take() *task {
	if s.freeSlots > 0 && s.freeCallers > 0 {
		if t := s.toCall.take(); t != nil {
			s.freeSlots--
			s.freeCallers--
			t.phase, t.hasSlot, t.calling, t.wantsSlot = atWork, true, true, false
			return t
		}
	}
	if s.freeBeginners > 0 {
		if t := s.toBegin.take(); t != nil {
			s.freeBeginners--
			t.phase, t.startedWithoutSlot = atWork, true
			return t
		}
	}
	return nil
}

// putAside ends a task's run and notes what the task waits for next. It returns another task
// that its goroutine must run; nil: none may run.
func (s *schedule) putAside(t *task, next pause) (other *task) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if t.startedWithoutSlot {
		t.startedWithoutSlot = false
		s.freeBeginners++
	}
	s.releaseCaller(t)
	// A call that may have been accepted keeps its slot until that is known.
	if t.hasSlot && (t.progress == nil || t.progress.doubt == none || next.phase == ending) {
		s.releaseSlot(t)
	}
	t.phase, t.due, t.outage = next.phase, next.due, next.outage
	switch {
	case s.tasks[t.id] != t: // Release was faster
	case len(t.waiting) == 0:
		delete(s.tasks, t.id)
	case t.phase == ready:
		s.queue(t)
	case t.phase == ending:
	default:
		if t.outage && s.outage.IsZero() {
			s.outage = s.clock.Now()
		}
		heap.Push(&s.later, t)
		if s.later[0] == t {
			s.alarm.Ring()
		}
	}
	other = s.take()
	s.dispatch()
	return other
}

func (s *schedule) releaseSlot(t *task) {
	t.hasSlot = false
	s.freeSlots++
}

// takeSlot lets a task call if it has a slot, or if one is free and no other task waits for
// it.
func (s *schedule) takeSlot(t *task) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !t.hasSlot && s.freeSlots > 0 && s.freeCallers > 0 && len(s.toCall) == 0 {
		s.freeSlots--
		t.hasSlot = true
	}
	if t.hasSlot && !t.calling {
		t.calling = true
		s.freeCallers--
	}
	t.wantsSlot = !t.hasSlot
	return t.hasSlot
}

// callEnded notes that a task's call has ended. If the task is now answered, its goroutine
// takes the next task; if it continues, the next task gets another goroutine now.
func (s *schedule) callEnded(t *task, goesOn bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.releaseCaller(t)
	if goesOn {
		s.dispatch()
	}
}

func (s *schedule) releaseCaller(t *task) {
	if t.calling {
		t.calling = false
		s.freeCallers++
	}
}

// takeFirst removes the first event of the task, and passes the task's slot to the answer if
// the event was called. The returned function frees it.
func (s *schedule) takeFirst(t *task, called bool) (ev *event, acknowledged func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	ev, t.progress = t.waiting[0], nil
	t.waiting[0] = nil
	t.waiting = t.waiting[1:]
	if !called || !t.hasSlot {
		return ev, func() {}
	}
	t.hasSlot = false
	s.unacknowledged++
	return ev, s.acknowledge
}

// acknowledged frees the slot of an answer.
func (s *schedule) acknowledged() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unacknowledged--
	s.freeSlots++
	s.dispatch()
}

// first is the task's first event; nil if it has none.
func (s *schedule) first(t *task) *event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(t.waiting) == 0 {
		return nil
	}
	return t.waiting[0]
}

func (s *schedule) extentOf(t *task) extent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return t.extent()
}

// run wakes the tasks whose time has come.
func (s *schedule) run(ctx context.Context) {
	for ctx.Err() == nil {
		s.alarm.Wait(ctx, s.clock, s.wakeDue())
	}
}

// wakeDue makes tasks ready whose time has come, and returns the wait for the next one.
func (s *schedule) wakeDue() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.dispatch()
	for len(s.later) > 0 {
		t := s.later[0]
		if wait := t.due.Sub(s.clock.Now()); wait > 0 {
			return wait
		}
		heap.Pop(&s.later)
		t.due = time.Time{}
		s.queue(t)
	}
	return time.Hour
}

// served is called when MPC has served a request and is available. After an outage the
// tasks that waited for its end come back at once. Not after a short outage: they have not
// waited for long, and a few tasks that always fail would look like one again and again.
func (s *schedule) served() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.outage.IsZero() {
		return
	}
	now := s.clock.Now()
	long := now.Sub(s.outage) >= outageBackoff
	s.outage = time.Time{}
	if !long {
		return
	}
	for _, t := range s.later {
		if t.outage {
			t.due = now
		}
	}
	heap.Init(&s.later)
	s.alarm.Ring()
}

// Release gives up all waiting events: their generation has ended, and no task runs any
// more.
func (r *Retrier) Release() {
	s := &r.schedule
	s.mu.Lock()
	tasks := s.tasks
	s.tasks, s.toBegin, s.toCall, s.later = map[string]*task{}, nil, nil, nil
	var left []*event
	for _, id := range slices.Sorted(maps.Keys(tasks)) {
		t := tasks[id]
		if t.hasSlot {
			s.releaseSlot(t)
		}
		left = append(left, t.waiting...)
	}
	s.mu.Unlock()
	for _, ev := range left {
		ev.Lease.GiveUp(errReleased)
	}
}
