package simulation

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/app"
	"remux-retrier/internal/simulation/memlog"
)

// instance is one life of an instance of the service: from its start to its end
// or its death.
type instance struct {
	w      *world
	slot   int
	name   string // of this life, such as a2
	proc   *process
	clock  processClock
	member *memlog.Member
	cancel context.CancelFunc // tells it to stop
	life   context.Context    // ends with its death
	die    context.CancelFunc
	ended  bool // it has stopped by itself
	jumped bool // its wall clock has
	told   time.Duration

	counted int // how many partitions the failed topic had when it looked last

	// What its generation is.
	countedBefore int // counted, when it began
	of            int // how many partitions there were then
	since         int // the fact after which it began
	sinceAt       time.Duration
	provenAt      time.Duration // when its last acknowledged commit was sent, or unproven
	assigned      []int
	ends          map[int]int64             // how far its fetches have shown it the partitions
	found         map[int]consumer.Position // what was committed before
	calls         []ended                   // that have ended in it
	// What it is at.
	requestedAt time.Duration // when it sent its last request to MPC
	calledAt    time.Duration // its last call
	inFlight    map[*task]int
	open        map[*task]bool             // called, and not acknowledged yet
	asked       map[*task]int              // the fact of the last answer that told the task's state
	decided     map[*task]int              // likewise, of one that was not FAILED
	alive       map[*task]bool             // found running before the generation's first call for it
	unwritten   map[outcomes]time.Duration // since when it has failed to write there
}

// jumpBy is further than all windows of time reach.
const jumpBy = 25 * time.Hour

func (i *instance) turnClock(by time.Duration) {
	i.proc.off += by
	i.tell("its wall clock jumps by %v", by)
}

// clockOff is how far the machines' clocks are apart: minutes.
const clockOff = 4 * time.Minute

// start begins a life in the slot. anew: under a name that the group does not
// know, so that the former self holds its place until its session is over.
func (w *world) start(slot int, anew bool) {
	i := &instance{
		w: w, slot: slot, name: fmt.Sprintf("%c%d", 'a'+slot, len(w.lives)),
		ends: map[int]int64{}, inFlight: map[*task]int{}, open: map[*task]bool{}, asked: map[*task]int{}, decided: map[*task]int{}, alive: map[*task]bool{}, unwritten: map[outcomes]time.Duration{},
	}
	i.proc = w.s.process(i.name)
	i.clock = processClock{p: i.proc}
	if w.clocksOff {
		i.proc.off = between(w.rand, -clockOff, clockOff)
	}
	member := string(rune('a' + slot))
	if anew {
		member = i.name
	}
	i.member = w.broker.Member(member)
	i.tell("starts as member %s, its clock off by %.1fs", member, i.proc.off.Seconds())
	if slot == len(w.slots) {
		w.slots = append(w.slots, nil)
	}
	w.slots[slot] = i
	w.lives = append(w.lives, i)
	var ctx context.Context
	ctx, i.cancel = context.WithCancel(background)
	i.life, i.die = context.WithCancel(background)
	random := chances(w.rand.Uint64(), 0)
	i.proc.spawn(func() { i.run(ctx, random) })
}

// run is the service.
func (i *instance) run(ctx context.Context, random *rand.Rand) {
	log := i.logger()
	gate, err := app.NewGate(i.w.cfg, i.clock, log)
	if err != nil {
		panic(err)
	}
	service, err := app.NewInstance(i.w.cfg, app.Parts{
		Log: &network{i: i, Member: i.member}, API: api{i}, Gate: gate, Clock: i.clock, Rand: random.Float64, Logger: log,
	})
	if err != nil {
		panic(err)
	}
	service.Run(ctx)
	i.ended = true
	i.tell("has stopped")
	i.w.checkStopped(i)
}

// up: it lives, and was not told to stop.
func (i *instance) up() bool { return i != nil && !i.proc.dead && !i.ended && i.told == 0 }

// stop is SIGTERM.
func (i *instance) stop() {
	if i.up() {
		i.tell("is told to stop")
		i.told = i.w.s.now
		i.cancel()
	}
}

// kill is kill -9.
func (i *instance) kill() {
	if i.proc.dead || i.ended {
		return
	}
	i.tell("is killed")
	i.w.doubts = true
	i.proc.kill()
	i.die()
	i.member.SetHung(true)
}

// pause is SIGSTOP, or SIGCONT.
func (i *instance) pause(paused bool) {
	if i.proc.dead || i.ended || i.proc.paused == paused {
		return
	}
	i.w.doubts = true
	if paused {
		i.tell("is paused")
	} else {
		i.tell("goes on")
		if i.told > 0 {
			i.told = i.w.s.now // only now does it hear of it
		}
	}
	i.proc.pause(paused)
	i.w.upset()
	i.member.SetHung(paused)
}
