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

// instance is one run of an instance of the service, from its start to its end or crash.
type instance struct {
	w      *world
	slot   int
	name   string // of this run, such as a2
	proc   *process
	clock  processClock
	member *memlog.Member
	cancel context.CancelFunc // tells it to stop
	life   context.Context    // ends with its crash
	die    context.CancelFunc
	ended  bool // it has stopped, and did not crash
	jumped bool // its wall clock has jumped

	stoppingAt time.Duration // when it got the signal to stop; 0: not yet

	counted int // partition count of the failed topic when it last looked

	// About its generation:
	countedBefore  int // counted, before it joined
	joinsAt        time.Duration
	partitionCount int // of the failed topic, when it began
	since          int // the seq after which it began
	sinceAt        time.Duration
	provenAt       time.Duration // when its last acknowledged commit was sent, or unproven
	assigned       []int
	ends           map[int]int64             // ends of the partitions as shown by its fetches
	found          map[int]consumer.Position // what was committed before
	calls          []ended                   // calls that have ended in it
	// About its work:
	requestedAt time.Duration // time of its last request to MPC
	calledAt    time.Duration // of its last call
	inFlight    map[*task]int
	open        map[*task]bool                     // called and not acknowledged yet
	asked       map[*task]int                      // the seq of the last answer with the task's state
	decided     map[*task]int                      // the same for states other than FAILED
	alive       map[*task]bool                     // found running before the generation's first call for it
	unwritten   map[outcomePartition]time.Duration // since when it has failed to write there
}

// jumpBy is larger than all time windows.
const jumpBy = 25 * time.Hour

func (i *instance) turnClock(by time.Duration) {
	i.proc.off += by
	i.tell("its wall clock jumps by %v", by)
}

// clockOff is how far the machines' clocks may differ.
const clockOff = 4 * time.Minute

// start starts a run in the slot. anew: under a name that the group does not know, so that
// the former run keeps its partitions until its session expires.
func (w *world) start(slot int, anew bool) {
	i := &instance{
		w: w, slot: slot, name: fmt.Sprintf("%c%d", 'a'+slot, len(w.lives)),
		ends: map[int]int64{}, inFlight: map[*task]int{}, open: map[*task]bool{}, asked: map[*task]int{}, decided: map[*task]int{}, alive: map[*task]bool{}, unwritten: map[outcomePartition]time.Duration{},
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

// run runs the service.
func (i *instance) run(ctx context.Context, random *rand.Rand) {
	log := i.logger()
	gate, err := app.NewGate(i.w.cfg, i.clock, log)
	if err != nil {
		panic(err)
	}
	service, err := app.NewInstance(i.w.cfg, app.Parts{
		Client: &network{i: i, Member: i.member}, API: api{i}, Gate: gate, Clock: i.clock, Rand: random.Float64, Logger: log,
	})
	if err != nil {
		panic(err)
	}
	service.Run(ctx)
	i.ended = true
	i.tell("has stopped")
	i.w.checkStopped(i)
}

// up: it runs and was not told to stop.
func (i *instance) up() bool { return i != nil && !i.proc.dead && !i.ended && i.stoppingAt == 0 }

// stop is SIGTERM.
func (i *instance) stop() {
	if i.up() {
		i.tell("is told to stop")
		i.stoppingAt = i.w.s.now
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

// pause is SIGSTOP or SIGCONT.
func (i *instance) pause(paused bool) {
	if i.proc.dead || i.ended || i.proc.paused == paused {
		return
	}
	i.w.doubts = true
	if paused {
		i.tell("is paused")
	} else {
		i.tell("goes on")
		if i.stoppingAt > 0 {
			i.stoppingAt = i.w.s.now // only now does it see the signal
		}
	}
	i.proc.pause(paused)
	i.w.disturb()
	i.member.SetHung(paused)
}
