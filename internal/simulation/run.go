package simulation

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"time"

	"remux-retrier/internal/config"
	"remux-retrier/internal/simulation/memlog"
)

// patience is how long after everything has healed the last event may take.
const patience = 30 * time.Minute

// world is one simulation: Kafka, MPC, producers, and the instances among them.
// Only one coroutine runs at a time, so nothing in it needs a lock.
type world struct {
	*plan
	cfg    config.Config
	rand   *rand.Rand
	s      *sched
	out    *process // whatever is outside the instances
	broker *memlog.Broker
	story  *story
	model
	mpc          mpc
	producers    producers
	slots        []*instance // the present life of each instance
	lives        []*instance // all that ever were
	network      networkWeather
	away         bool
	stalledUntil time.Duration // the brokers answer nothing before
	stallEnds    bool          // they do what they are asked meanwhile
	stray        bool          // the next commit is answered with an unknown topic
	upsetUntil   time.Duration // a generation that begins before may well end early
	unwritable   outcomes      // nowhere: all can be written to
	healed       bool
	relieved     bool          // also what has lasted through the calm is over
	wellSince    time.Duration // since when nothing keeps calls from being made: healing, and the rebalances after it
	stopped      time.Duration // when the instances were told to stop, at the end; 0: not yet
}

// Run simulates one seed. The error is a Violation, or says what could not be
// simulated. The story, where there is a writer for it, tells all that happens.
func Run(seed uint64, out io.Writer) error {
	_, err := run(seed, out)
	return err
}

// Fingerprint is a hash of all that happened in a seed's simulation, down to the
// order in which the goroutines went on.
func Fingerprint(seed uint64) (uint64, error) {
	h := fnv.New64a()
	trace, err := run(seed, h)
	fmt.Fprintf(h, "%x", trace)
	return h.Sum64(), err
}

func run(seed uint64, out io.Writer) (trace uint64, err error) {
	w, err := newWorld(seed, out)
	if err != nil {
		return 0, err
	}
	w.begin()
	for w.violation == nil && w.s.failed == nil && !w.over() {
		if !w.s.step(w.active + w.calm.lasts + patience) {
			w.stuck()
		}
	}
	if w.violation == nil && w.s.failed == nil {
		w.checkEnd()
	}
	for _, i := range w.lives {
		i.proc.kill()
	}
	w.out.kill()
	w.s.end()
	switch {
	case w.s.failed != nil:
		err = &Violation{Seed: seed, Invariant: "no panic", Text: w.s.failed.Error(), At: w.s.now}
	case w.violation != nil:
		w.violation.Seed = seed
		err = w.violation
	}
	if err != nil {
		w.tell("%v", err)
	}
	return w.s.trace, err
}

func newWorld(seed uint64, out io.Writer) (*world, error) {
	random := chances(seed, 1)
	s := newSched(chances(seed, 2))
	w := &world{plan: newPlan(random), rand: random, s: s, out: s.process("the world"), story: &story{out: out}}
	w.recoveries = newRecoveries(seed)
	w.cfg = w.config()
	var err error
	w.broker, err = memlog.New(memlog.Config{
		Clock: processClock{p: w.out}, Topic: topicFailed, FetchWait: time.Minute,
		SessionTimeout: w.session, RebalanceTimeout: w.timeout + rebalanceSlack,
	})
	if err != nil {
		return nil, fmt.Errorf("simulation: %w", err)
	}
	w.broker.Create(topicFailed, w.partitions)
	w.broker.Create(topicRetried, w.retried)
	w.broker.Create(topicRetryFailed, w.refused)
	w.broker.Create(topicDeadLetter, 1)
	if w.recoveries.on {
		w.broker.Create(topicRecovered, w.recoveries.partitions)
	}
	w.know()
	return w, nil
}

// begin sets everything going.
func (w *world) begin() {
	w.tell("%d instances, %d partitions, quota %d a minute, %d in flight, budget %d, start offset %s, time-outs: MPC %v, session %v",
		w.instances, w.partitions, w.quota, w.inFlight, w.budget, w.cfg.Kafka.StartOffset, w.timeout, w.session)
	if w.limit.perMinute > 0 {
		w.tell("MPC admits %d requests %s", w.limit.perMinute, w.limit.kind)
	}
	w.out.spawn(func() { w.broker.Run(background) })
	w.slots = make([]*instance, w.instances)
	for slot := range w.slots {
		w.out.after(between(w.rand, 0, 3*time.Second), func() { w.start(slot, false) })
	}
	w.produce()
	for _, at := range w.troubles {
		w.out.after(at, w.trouble)
	}
	w.out.after(w.active, w.heal)
}

// over: the instances were told to stop, and have.
func (w *world) over() bool {
	if w.stopped == 0 {
		return false
	}
	for _, i := range w.slots {
		if !i.ended {
			return false
		}
	}
	return true
}

// heal ends all troubles, and then watches for quiet.
func (w *world) heal() {
	w.healed, w.wellSince = true, w.s.now
	w.tell("everything heals")
	w.setAway(false)
	if w.mpc.weather != fair {
		w.mpc.weather, w.mpc.fairSince = fair, w.s.now
	}
	w.network = networkWeather{}
	w.stray, w.stalledUntil = false, w.s.now
	w.upset()
	if !w.calm.unwritable {
		w.setUnwritable(nowhere)
	}
	if w.calm.cursed {
		w.tell("tasks whose calls have always failed go on failing")
	}
	if !w.calm.cursed && !w.calm.unwritable {
		w.relieve()
	}
	if w.log.deleted {
		w.recreateLater()
	}
	for slot, i := range w.slots {
		if i == nil || i.ended || i.proc.dead {
			w.start(slot, false)
			continue
		}
		i.proc.fuse = 0
		i.pause(false)
		if i.told > 0 {
			w.comeBackOnceStopped(i)
		}
	}
	for _, at := range w.calm.rebalances {
		w.out.after(at, w.calmRebalance)
	}
	w.out.after(time.Second, w.watch)
}

// watch ends the calm once all is answered that can be, and stops the instances once
// nothing is left to do.
func (w *world) watch() {
	w.checkLate()
	w.checkLimit()
	what := w.unfinished()
	if what != "" && (w.mayQuery || w.relieved || w.s.now < w.wellSince+longestCalm) || w.s.now < w.active+w.calm.lasts {
		w.out.after(time.Second, w.watch)
		return
	}
	if !w.relieved {
		w.relieve()
		w.out.after(time.Second, w.watch)
		return
	}
	w.tell("all is answered and committed: the instances are told to stop")
	w.stopped = w.s.now
	for _, i := range w.slots {
		i.stop()
	}
}

// stuck: what should have come to its end has not.
func (w *world) stuck() {
	what := w.unfinished()
	if w.stopped > 0 {
		what = "an instance does not stop"
	}
	w.violate("everything comes to its end", "stuck, %v after everything has healed: %s", w.s.now-w.active, what)
}

// Violation is an invariant that did not hold.
type Violation struct {
	Seed      uint64
	Invariant string
	Text      string
	At        time.Duration // since the beginning
}

// Error names seed and invariant.
func (v *Violation) Error() string {
	return fmt.Sprintf("seed %d violates %q after %.3fs: %s", v.Seed, v.Invariant, v.At.Seconds(), v.Text)
}

// violate notes the first violation, which ends the simulation.
func (w *world) violate(invariant, format string, args ...any) {
	if w.violation == nil {
		w.violation = &Violation{Invariant: invariant, Text: fmt.Sprintf(format, args...), At: w.s.now}
	}
}

// IsViolation tells a broken invariant from a simulation that could not run.
func IsViolation(err error) bool {
	var v *Violation
	return errors.As(err, &v)
}
