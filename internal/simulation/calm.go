package simulation

import (
	"math/rand/v2"
	"time"
)

// calm is what goes on in some seeds after everything has healed: what belongs to a
// good day, and must hold up nothing else.
type calm struct {
	lasts      time.Duration
	cursed     bool            // tasks whose calls always fail go on failing
	unwritable bool            // an outcome partition that cannot be written stays so
	rebalances []time.Duration // of the group, after the healing
	late       int             // tasks that fail for the first time then
	// takeOver: the first of the rebalances is a crash, amid more failures than may be
	// called for at once.
	takeOver bool
}

// longestCalm is how long calls that always fail may hold up others where states cannot
// be asked for.
const longestCalm = 10 * time.Minute

func newCalm(r *rand.Rand) (c calm) {
	if chance(r, 0.1) {
		c.cursed = true
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

// relieve ends what has lasted through the calm.
func (w *world) relieve() {
	w.relieved, w.wellSince = true, w.s.now
	w.setUnwritable(nowhere)
	for _, t := range w.mpc.tasks {
		if t.nature == cursed {
			t.nature = obedient
		}
	}
	w.tell("tasks whose calls have always failed are served")
}

// calmRebalance has the group rebalance, with an instance stopped or killed, one more,
// or without either.
func (w *world) calmRebalance() {
	i := w.any()
	if i == nil || w.stopped > 0 {
		return
	}
	w.wellSince = w.s.now
	kind := w.rand.IntN(4)
	if w.calm.takeOver {
		kind, w.calm.takeOver = 2, false
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
				w.wellSince = w.s.now
				w.start(i.slot, anew)
			}
		})
	default:
		w.join()
	}
}
