package simulation

import (
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// never is the time at which nothing happens.
const never = time.Duration(math.MaxInt64)

// sched is a cooperative scheduler in virtual time. Every goroutine of the
// service is a coroutine of it; exactly one runs at once, until it waits for
// something. Which of those that can go on is next, the seed says; time passes
// only when none can. Nothing here depends on addresses, on the order of a map,
// or on the machine's time: that is why a seed tells one story.
type sched struct {
	rand *rand.Rand
	now  time.Duration // since the beginning

	current *routine   // that runs; nil between two steps
	waiting []*routine // parked, for something that has not happened yet
	ready   []*routine // can go on
	ended   []*process // to be unwound before the next step

	started int    // routines so far
	steps   int    // resumptions so far
	trace   uint64 // a hash of who ran when
	failed  error  // a panic
}

func newSched(random *rand.Rand) *sched { return &sched{rand: random, trace: 14695981039346656037} }

// process is what can be stopped as one: an instance, or the world around them.
type process struct {
	s        *sched
	name     string
	live     int // routines that have not ended
	steps    int
	paused   bool
	dead     bool
	fuse     int    // after so many more steps…
	fuseEnds func() // …this happens
}

// routine is a coroutine, or with run a function that never waits.
type routine struct {
	p      *process
	id     int
	run    func()
	resume func() (struct{}, bool)
	unwind func()
	yield  func(struct{}) bool

	// What it waits for: a time, or the closing of one of the channels.
	until     time.Duration
	done, ctx <-chan struct{}
}

// killed unwinds the coroutines of a dead process.
type killed struct{}

func (s *sched) process(name string) *process { return &process{s: s, name: name} }

// spawn starts a coroutine of the process.
func (p *process) spawn(f func()) {
	r := p.newRoutine(p.s.now)
	r.resume, r.unwind = iter.Pull(func(yield func(struct{}) bool) {
		defer r.ended()
		r.yield = yield
		f()
	})
}

// after runs f, which must not wait, when the time has passed.
func (p *process) after(d time.Duration, f func()) {
	p.newRoutine(p.s.now + max(d, 0)).run = f
}

func (p *process) newRoutine(at time.Duration) *routine {
	p.mustLive()
	p.s.started++
	p.live++
	r := &routine{p: p, id: p.s.started, until: at}
	p.s.waiting = append(p.s.waiting, r)
	return r
}

func (p *process) mustLive() {
	if p.dead {
		panic(killed{})
	}
}

// ended is the last of a coroutine's deferred calls.
func (r *routine) ended() {
	r.p.live--
	switch v := recover().(type) {
	case nil, killed:
	default:
		r.p.s.failed = fmt.Errorf("%s panicked: %v\n%s", r.p.name, v, debug.Stack())
	}
}

// park waits until the time, or until one of the channels is closed. It is how
// everything waits.
func (s *sched) park(until time.Duration, done, ctx <-chan struct{}) {
	r := s.current
	if r == nil || r.run != nil {
		panic("something waits that is no coroutine of the simulation")
	}
	r.p.mustLive()
	r.until, r.done, r.ctx = until, done, ctx
	if !r.yield(struct{}{}) {
		panic(killed{})
	}
}

// step lets one routine go on, and the time first, if none can. It is false
// when nothing will ever happen again.
func (s *sched) step(deadline time.Duration) bool {
	s.bury()
	s.wake()
	for len(s.ready) == 0 {
		next := never
		for _, r := range s.waiting {
			if !r.p.paused {
				next = min(next, r.until)
			}
		}
		if next == never || next > deadline {
			return false
		}
		s.now = next
		s.wake()
	}
	i := s.rand.IntN(len(s.ready))
	r := s.ready[i]
	last := len(s.ready) - 1
	s.ready[i] = s.ready[last]
	s.ready = s.ready[:last]
	s.let(r)
	return true
}

// wake moves to ready who can go on. None of what they wait for is ever undone.
func (s *sched) wake() {
	kept := s.waiting[:0]
	for _, r := range s.waiting {
		if !r.p.paused && (r.until <= s.now || isClosed(r.done) || isClosed(r.ctx)) {
			s.ready = append(s.ready, r)
		} else {
			kept = append(kept, r)
		}
	}
	clear(s.waiting[len(kept):])
	s.waiting = kept
}

func (s *sched) let(r *routine) {
	p := r.p
	s.steps++
	p.steps++
	for _, n := range [...]uint64{uint64(r.id), uint64(s.now)} {
		s.trace = (s.trace ^ n) * 1099511628211
	}
	s.current = r
	if r.run != nil {
		p.live--
		r.run()
	} else if _, goesOn := r.resume(); goesOn {
		s.waiting = append(s.waiting, r)
	}
	s.current = nil
	if p.fuse > 0 {
		if p.fuse--; p.fuse == 0 && !p.dead {
			p.fuseEnds()
		}
	}
}

// kill ends the process as kill -9 does: none of its coroutines goes on.
func (p *process) kill() {
	if !p.dead {
		p.dead, p.fuse = true, 0
		p.s.ended = append(p.s.ended, p)
	}
}

// bury unwinds the coroutines of the dead. What they have deferred reaches
// nobody: whatever leads out of the process refuses.
func (s *sched) bury() {
	for len(s.ended) > 0 {
		p := s.ended[0]
		s.ended = s.ended[1:]
		for _, r := range p.take(&s.ready, &s.waiting) {
			if r.unwind != nil {
				s.current = r
				r.unwind()
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

// pause stops the process as SIGSTOP does, or lets it go on.
func (p *process) pause(paused bool) {
	p.paused = paused
	if paused {
		p.s.waiting = append(p.s.waiting, p.take(&p.s.ready)...)
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
