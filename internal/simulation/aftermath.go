package simulation

import (
	"math/rand/v2"
	"time"
)

// aftermath is what continues in some seeds after all faults have ended: things of a normal
// day that must not delay anything else.
type aftermath struct {
	lasts       time.Duration   // how long it continues at least
	alwaysFails bool            // tasks whose calls always fail keep failing
	unwritable  bool            // an outcome partition stays unwritable
	rebalances  []time.Duration // of the group, after the faults
	late        int             // tasks that fail for the first time then
	// takeOver: the first of the rebalances is a crash, during more failures than may be
	// called for at once.
	takeOver bool
}

// longestDelay is how long calls that always fail may delay others if states cannot be
// queried.
const longestDelay = 10 * time.Minute

func newAftermath(r *rand.Rand) (c aftermath) {
	if chance(r, 0.1) {
		c.alwaysFails = true
		c.lasts = between(r, 0, time.Minute)
		if chance(r, 0.1) {
			c.lasts = between(r, 0, 10*time.Minute)
		}
	}
	c.unwritable = chance(r, 0.2)
	if chance(r, 0.1) {
		for range 1 + r.IntN(3) {
			c.rebalances = append(c.rebalances, between(r, 20*time.Second, time.Minute))
		}
		c.late = 1 + r.IntN(10)
		c.takeOver = chance(r, 0.5)
		c.lasts = max(c.lasts, time.Minute)
	}
	return c
}

// endAftermath ends everything that has continued.
func (w *world) endAftermath() {
	w.aftermathOver, w.callableSince = true, w.s.now
	w.setUnwritable(noPartition)
	for _, t := range w.mpc.tasks {
		if t.behavior == alwaysFails {
			t.behavior = retryable
		}
	}
	w.tell("tasks whose calls always failed are served now")
}

// aftermathRebalance makes the group rebalance: an instance is stopped or killed, one more
// joins, or the coordinator moves.
func (w *world) aftermathRebalance() {
	i := w.any()
	if i == nil || w.stopped > 0 {
		return
	}
	w.callableSince = w.s.now
	kind := w.rand.IntN(4)
	if w.aftermath.takeOver {
		kind, w.aftermath.takeOver = 2, false
	}
	switch kind {
	case 0:
		w.tell("the group's coordinator moves")
		w.broker.Rebalance()
	case 1:
		i.stop()
		w.comeBackOnceStopped(i)
	case 2:
		i.kill()
		anew := chance(w.rand, 0.5)
		w.out.after(between(w.rand, 0, w.session), func() {
			if w.slots[i.slot] == i && w.stopped == 0 {
				w.callableSince = w.s.now
				w.start(i.slot, anew)
			}
		})
	default:
		w.join()
	}
}
