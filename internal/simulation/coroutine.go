package simulation

import (
	"fmt"
	"iter"
	"runtime/debug"
)

// coroutine runs routines one after the other: creating one costs more than most routines
// do.
type coroutine struct {
	runs  *routine // nil: none
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
}

// killed unwinds the routines of a dead process.
type killed struct{}

func newCoroutine() *coroutine {
	c := &coroutine{}
	c.next, c.stop = iter.Pull(func(yield func(struct{}) bool) {
		c.yield = yield
		growStack()
		for goesOn := true; goesOn; goesOn = yield(struct{}{}) {
			c.runs.live()
			c.runs = nil
		}
	})
	return c
}

// growStack grows the stack once, while it is empty, to the size that most routines need.
// Otherwise it is copied frame by frame each time it is too small, which took a tenth of
// the simulation's time.
//
//go:noinline
func growStack() {
	var room [12 << 10]byte
	use(&room)
}

//go:noinline
func use(*[12 << 10]byte) {}

// resume runs a routine until it parks (true) or ends (false).
func (s *sched) resume(r *routine) bool {
	if last := len(s.idle) - 1; r.in == nil && last >= 0 {
		r.in, s.idle = s.idle[last], s.idle[:last]
	} else if r.in == nil {
		r.in = newCoroutine()
	}
	c := r.in
	c.runs = r
	c.next()
	if c.runs == nil {
		s.idle = append(s.idle, c)
		return false
	}
	return true
}

func (r *routine) live() {
	defer r.ended()
	r.f()
}

// ended is a routine's outermost deferred call.
func (r *routine) ended() {
	r.p.live--
	switch v := recover().(type) {
	case nil, killed:
	default:
		r.p.s.failed = fmt.Errorf("%s panicked: %v\n%s", r.p.name, v, debug.Stack())
	}
}

// end unwinds the remaining routines of dead processes, and the coroutines.
func (s *sched) end() {
	s.unwindDead()
	for _, c := range s.idle {
		c.stop()
	}
	s.idle = nil
}
