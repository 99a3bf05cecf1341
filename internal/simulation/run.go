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

// endTimeout is how long everything may take to end after the faults and the aftermath.
const endTimeout = 30 * time.Minute

// world is one simulation: Kafka, MPC, producers and instances. Only one coroutine runs at
// a time, so it needs no lock.
type world struct {
	*plan
	cfg    config.Config
	rand   *rand.Rand
	s      *sched
	out    *process // everything outside the instances
	broker *memlog.Broker
	story  *story
	model
	mpc              mpc
	producers        producers
	slots            []*instance // the current run of each instance
	lives            []*instance // all runs so far
	network          networkFaults
	unreachable      bool
	stalledUntil     time.Duration    // the brokers answer nothing before
	stallsAnswers    bool             // requests take effect at once; only their answers wait
	unknownTopicOnce bool             // the next commit is answered with "unknown topic"
	disturbedUntil   time.Duration    // a generation that begins before may end early
	unwritable       outcomePartition // noPartition: all are writable
	healed           bool
	aftermathOver    bool          // the aftermath has ended, too
	callableSince    time.Duration // since when nothing prevents calls: the end of the faults, and later rebalances
	stopped          time.Duration // when the instances were told to stop, at the end; 0: not yet
}

// Run simulates one seed. The error is a Violation, or says what could not be simulated. If
// out is not nil, the story of everything that happens is written to it.
func Run(seed uint64, out io.Writer) error {
	_, err := run(seed, out)
	return err
}

// Fingerprint is a hash of everything that happened in a seed's simulation, including the
// order in which the goroutines ran.
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
		if !w.s.step(w.active + w.aftermath.lasts + endTimeout) {
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
	w.initModel()
	return w, nil
}

// begin starts everything.
func (w *world) begin() {
	w.tell("%d instances, %d partitions, quota %d a minute, %d in flight, budget %d, start offset %s, timeouts: MPC %v, session %v",
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

// over: the instances were told to stop, and have stopped.
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

// heal ends all faults; then the work must be finished in time.
func (w *world) heal() {
	w.healed, w.callableSince = true, w.s.now
	w.tell("all faults end")
	w.setUnreachable(false)
	if w.mpc.faults != normal {
		w.mpc.faults, w.mpc.normalSince = normal, w.s.now
	}
	w.network = networkFaults{}
	w.unknownTopicOnce, w.stalledUntil = false, w.s.now
	w.disturb()
	if !w.aftermath.unwritable {
		w.setUnwritable(noPartition)
	}
	if w.aftermath.alwaysFails {
		w.tell("tasks whose calls always fail keep failing")
	}
	if !w.aftermath.alwaysFails && !w.aftermath.unwritable {
		w.endAftermath()
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
		if i.stoppingAt > 0 {
			w.comeBackOnceStopped(i)
		}
	}
	for _, at := range w.aftermath.rebalances {
		w.out.after(at, w.aftermathRebalance)
	}
	w.out.after(time.Second, w.watch)
}

// watch ends the aftermath once everything is answered that can be, and stops the instances
// once nothing is left to do.
func (w *world) watch() {
	w.checkLate()
	w.checkLimit()
	what := w.unfinished()
	if what != "" && (w.mayQuery || w.aftermathOver || w.s.now < w.callableSince+longestDelay) || w.s.now < w.active+w.aftermath.lasts {
		w.out.after(time.Second, w.watch)
		return
	}
	if !w.aftermathOver {
		w.endAftermath()
		w.out.after(time.Second, w.watch)
		return
	}
	w.tell("everything is answered and committed: the instances are told to stop")
	w.stopped = w.s.now
	for _, i := range w.slots {
		i.stop()
	}
}

// stuck: something has not ended in time.
func (w *world) stuck() {
	what := w.unfinished()
	if w.stopped > 0 {
		what = "an instance does not stop"
	}
	w.violate("everything ends", "stuck %v after all faults ended: %s", w.s.now-w.active, what)
}

// Violation is a violated invariant.
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

// IsViolation distinguishes a violated invariant from a simulation that could not run.
func IsViolation(err error) bool {
	var v *Violation
	return errors.As(err, &v)
}
