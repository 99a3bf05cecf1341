package simulation

import (
	"math"
	"math/rand/v2"
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

	signals []signal      // what the waiting wait for, but for the time
	seen    int           // so many of the waiting could not go on at the last look
	soonest time.Duration // before it, none of those can but by a signal
	idle    []*coroutine  // that run nothing at present

	started int    // routines so far
	steps   int    // resumptions so far
	trace   uint64 // a hash of who ran when
	failed  error  // a panic
}

func newSched(random *rand.Rand) *sched {
	return &sched{rand: random, trace: 14695981039346656037, soonest: never, signals: make([]signal, noSignal+1)}
}

// process is what can be stopped as one: an instance, or the world around them.
type process struct {
	s        *sched
	name     string
	off      time.Duration // what its machine's wall clock is off
	live     int           // routines that have not ended
	steps    int
	paused   bool
	dead     bool
	fuse     int    // after so many more steps…
	fuseEnds func() // …this happens
}

// routine is a function of the process's: one that may wait runs in a coroutine
// once it has begun, one that never waits needs none.
type routine struct {
	p     *process
	id    int
	f     func()
	waits bool
	in    *coroutine // nil before it has begun

	// What it waits for: a time, or one of the signals, by their places.
	until     time.Duration
	done, ctx int
}

func (s *sched) process(name string) *process { return &process{s: s, name: name} }

// spawn starts f as a routine of the process, which may wait.
func (p *process) spawn(f func()) { p.start(p.s.now, true, f) }

// after runs f, which must not wait, when the time has passed.
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

// park waits until the time, or until one of the channels is closed. It is how
// everything waits.
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

// step lets one routine go on, and the time first, if none can. It is false
// when nothing will ever happen again.
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

// wake moves to ready who can go on. Mostly nothing has come for those who were seen
// at the last look, and only who waits since is looked at.
func (s *sched) wake() {
	if s.look() || s.soonest <= s.now {
		s.seen = 0
	}
	s.rouse(s.seen)
}

// rouse is wake for the waiting from an index on. None of what they wait for is ever
// undone.
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

// kill ends the process as kill -9 does: none of its coroutines goes on.
func (p *process) kill() {
	if !p.dead {
		p.dead, p.fuse = true, 0
		p.s.ended = append(p.s.ended, p)
	}
}

// unwindDead unwinds the coroutines of the dead. What they have deferred reaches
// nobody: whatever leads out of the process refuses.
func (s *sched) unwindDead() {
	for len(s.ended) > 0 {
		p := s.ended[0]
		s.ended = s.ended[1:]
		s.seen = 0
		for _, r := range p.take(&s.ready, &s.waiting) {
			s.forget(r)
			if r.in != nil {
				s.current = r
				s.resume(r) // to its death, in park
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
		for _, r := range p.take(&p.s.ready) {
			r.until = p.s.now // what it has waited for is there
			p.s.waiting = append(p.s.waiting, r)
		}
	}
	p.s.seen = 0
}
