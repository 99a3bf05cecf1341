package simulation

import (
	"math"
	"math/rand/v2"
	"time"
)

// never is a time that is never reached.
const never = time.Duration(math.MaxInt64)

// sched is a cooperative scheduler in virtual time. Every goroutine of the service is one
// of its coroutines; exactly one runs at a time, until it waits. The seed decides which
// runnable one is next; time passes only when none is runnable. Nothing depends on
// addresses, map order or the machine's time, so a seed always gives the same story.
type sched struct {
	rand *rand.Rand
	now  time.Duration // since the beginning

	current *routine   // the running one; nil between two steps
	waiting []*routine // parked, waiting for something
	ready   []*routine // runnable
	ended   []*process // to be unwound before the next step

	signals []signal      // what the waiting ones wait for, besides time
	seen    int           // how many of the waiting were not runnable at the last look
	soonest time.Duration // before it, only a signal can wake one of those
	idle    []*coroutine  // idle coroutines

	started int    // routines so far
	steps   int    // resumptions so far
	trace   uint64 // a hash of what ran when
	failed  error  // a panic
}

func newSched(random *rand.Rand) *sched {
	return &sched{rand: random, trace: 14695981039346656037, soonest: never, signals: make([]signal, noSignal+1)}
}

// process is a group of routines that is stopped together: an instance, or the world around
// the instances.
type process struct {
	s        *sched
	name     string
	off      time.Duration // error of its machine's wall clock
	live     int           // routines that have not ended
	steps    int
	paused   bool
	dead     bool
	fuse     int    // after this many steps…
	fuseEnds func() // …this is called
}

// routine is a function of a process. One that may wait runs in a coroutine once it has
// started; one that never waits needs none.
type routine struct {
	p     *process
	id    int
	f     func()
	waits bool
	in    *coroutine // nil before it has started

	// What it waits for: a time, or one of the signals, by index.
	until     time.Duration
	done, ctx int
}

func (s *sched) process(name string) *process { return &process{s: s, name: name} }

// spawn starts f as a routine of the process, which may wait.
func (p *process) spawn(f func()) { p.start(p.s.now, true, f) }

// after runs f, which must not wait, after d.
func (p *process) after(d time.Duration, f func()) { p.start(p.s.now+max(d, 0), false, f) }

func (p *process) start(at time.Duration, waits bool, f func()) {
	p.mustLive()
	p.s.started++
	p.live++
	p.s.waiting = append(p.s.waiting, &routine{p: p, id: p.s.started, f: f, waits: waits, until: at})
}

func (p *process) mustLive() {
	if p.dead {
		panic(killed{})
	}
}

// park waits until the time, or until one of the channels is closed. All waits go through
// it.
func (s *sched) park(until time.Duration, done, ctx <-chan struct{}) {
	r := s.current
	if r == nil || !r.waits {
		panic("something waits that is no coroutine of the simulation")
	}
	r.p.mustLive()
	r.until, r.done, r.ctx = until, s.signal(done), s.signal(ctx)
	r.in.yield(struct{}{})
	r.p.mustLive()
}

// step runs one routine; if none is runnable, time advances first. It returns false if
// nothing will happen until the deadline.
func (s *sched) step(deadline time.Duration) bool {
	s.unwindDead()
	s.wake()
	for len(s.ready) == 0 {
		if s.soonest == never || s.soonest > deadline {
			return false
		}
		s.now = s.soonest
		s.rouse(0)
	}
	i := s.rand.IntN(len(s.ready))
	r := s.ready[i]
	last := len(s.ready) - 1
	s.ready[i] = s.ready[last]
	s.ready = s.ready[:last]
	s.let(r)
	return true
}

// wake moves runnable routines to ready. Usually nothing has changed for those seen at the
// last look, and only newer ones are checked.
func (s *sched) wake() {
	if s.look() || s.soonest <= s.now {
		s.seen = 0
	}
	s.rouse(s.seen)
}

// rouse is wake for the waiting ones from an index on. What they wait for is never undone.
func (s *sched) rouse(from int) {
	if from == 0 {
		s.soonest = never
	}
	kept := s.waiting[:from]
	for _, r := range s.waiting[from:] {
		switch {
		case r.p.paused:
		case r.until <= s.now || s.signals[r.done].closed || s.signals[r.ctx].closed:
			s.forget(r)
			s.ready = append(s.ready, r)
			continue
		default:
			s.soonest = min(s.soonest, r.until)
		}
		kept = append(kept, r)
	}
	clear(s.waiting[len(kept):])
	s.waiting, s.seen = kept, len(kept)
}

// let lets a routine run until it waits or ends.
func (s *sched) let(r *routine) {
	p := r.p
	s.steps++
	p.steps++
	for _, n := range [...]uint64{uint64(r.id), uint64(s.now)} {
		s.trace = (s.trace ^ n) * 1099511628211
	}
	s.current = r
	if !r.waits {
		p.live--
		r.f()
	} else if s.resume(r) {
		s.waiting = append(s.waiting, r)
	}
	s.current = nil
	if p.fuse > 0 {
		if p.fuse--; p.fuse == 0 && !p.dead {
			p.fuseEnds()
		}
	}
}

// kill ends the process like kill -9: none of its coroutines runs again.
func (p *process) kill() {
	if !p.dead {
		p.dead, p.fuse = true, 0
		p.s.ended = append(p.s.ended, p)
	}
}

// unwindDead unwinds the coroutines of dead processes. Their deferred calls have no effect:
// everything that leaves the process refuses.
func (s *sched) unwindDead() {
	for len(s.ended) > 0 {
		p := s.ended[0]
		s.ended = s.ended[1:]
		s.seen = 0
		for _, r := range p.take(&s.ready, &s.waiting) {
			s.forget(r)
			if r.in != nil {
				s.current = r
				s.resume(r) // until it panics in park
				s.current = nil
			}
		}
	}
}

// take removes the process's routines from the lists.
func (p *process) take(lists ...*[]*routine) (own []*routine) {
	for _, list := range lists {
		kept := (*list)[:0]
		for _, r := range *list {
			if r.p == p {
				own = append(own, r)
			} else {
				kept = append(kept, r)
			}
		}
		clear((*list)[len(kept):])
		*list = kept
	}
	return own
}

// pause stops the process like SIGSTOP, or continues it.
func (p *process) pause(paused bool) {
	p.paused = paused
	if paused {
		for _, r := range p.take(&p.s.ready) {
			r.until = p.s.now // what it waited for has happened
			p.s.waiting = append(p.s.waiting, r)
		}
	}
	p.s.seen = 0
}
