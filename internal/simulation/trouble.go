package simulation

import (
	"time"
)

// troubles are the faults; repeated entries are more frequent.
var troubles = []func(*world){
	(*world).crash, (*world).crash, (*world).crash, (*world).crash,
	(*world).freeze, (*world).freeze,
	(*world).restart, (*world).restart, (*world).join, (*world).leave,
	(*world).brokersUnreachable,
	(*world).apiFault, (*world).apiFault, (*world).apiFault,
	(*world).networkFault, (*world).networkFault, (*world).networkFault,
	(*world).grow, (*world).deleteTopic, (*world).retain, (*world).expire, (*world).reset,
	(*world).foreignRecords, (*world).foreignRecords,
	(*world).leaderless, (*world).leaderless,
	(*world).jump,
	(*world).answerUnknownTopic,
	(*world).stall,
}

// trouble starts one of them.
func (w *world) trouble() {
	if !w.healed {
		troubles[w.rand.IntN(len(troubles))](w)
	}
}

// later runs f after some time, unless all faults have ended by then.
func (w *world) later(low, high time.Duration, f func()) {
	w.out.after(between(w.rand, low, high), func() {
		if !w.healed {
			f()
		}
	})
}

// any picks an instance that is up; nil: none is.
func (w *world) any() *instance {
	var up []*instance
	for _, i := range w.slots {
		if i.up() {
			up = append(up, i)
		}
	}
	if len(up) == 0 {
		return nil
	}
	return up[w.rand.IntN(len(up))]
}

// atStep does something to an instance in the middle of its work: after some more of its
// steps.
func (w *world) atStep(do func(i *instance)) {
	i := w.any()
	if i == nil {
		return
	}
	i.proc.fuse = 1 + w.rand.IntN(150)
	i.proc.fuseEnds = func() { do(i) }
}

func (w *world) crash() {
	w.atStep(func(i *instance) {
		i.kill()
		w.comeBack(i)
	})
}

// comeBack starts a dead or stopped instance again: at once or after its session expired,
// under its old name or a new one.
func (w *world) comeBack(i *instance) {
	anew := chance(w.rand, 0.5)
	w.later(0, 2*w.session, func() {
		if w.slots[i.slot] == i {
			w.start(i.slot, anew)
		}
	})
}

func (w *world) freeze() {
	w.atStep(func(i *instance) {
		i.pause(true)
		w.later(time.Millisecond, []time.Duration{time.Second, 3 * w.session}[w.rand.IntN(2)], func() { i.pause(false) })
	})
}

// jump sets an instance's wall clock 25 hours ahead for two seconds.
func (w *world) jump() {
	w.atStep(func(i *instance) {
		i.jumped = true
		i.turnClock(jumpBy)
		w.out.after(2*time.Second, func() { i.turnClock(-jumpBy) })
	})
}

func (w *world) restart() {
	w.atStep(func(i *instance) {
		i.stop()
		w.comeBackOnceStopped(i)
	})
}

func (w *world) comeBackOnceStopped(i *instance) {
	w.out.after(between(w.rand, 0, time.Second), func() {
		switch {
		case w.slots[i.slot] != i, w.stopped > 0:
		case i.ended, i.proc.dead:
			w.start(i.slot, false)
		default:
			w.comeBackOnceStopped(i)
		}
	})
}

func (w *world) join() {
	if len(w.slots) < 4 {
		w.start(len(w.slots), false)
	}
}

func (w *world) leave() {
	if i := w.any(); i != nil && len(w.slots) > 1 {
		i.stop()
	}
}

func (w *world) setUnreachable(unreachable bool) {
	if w.unreachable != unreachable {
		w.tell("the brokers are unreachable: %v", unreachable)
		w.unreachable = unreachable
		w.disturb()
		w.doubts = true // an instance whose last commit fails leaves doubts
		w.broker.SetUnreachable(unreachable)
	}
}

func (w *world) brokersUnreachable() {
	w.setUnreachable(true)
	w.later(time.Millisecond, 15*time.Second, func() { w.setUnreachable(false) })
}

func (w *world) apiFault() {
	w.mpc.faults = apiFaultKinds[w.rand.IntN(len(apiFaultKinds))]
	w.tell("MPC is %s", w.mpc.faults.name)
	w.later(time.Millisecond, 20*time.Second, func() {
		w.mpc.faults, w.mpc.normalSince = normal, w.s.now
		w.tell("MPC serves as usual")
	})
}

func (w *world) networkFault() {
	n := networkFaults{}
	switch w.rand.IntN(3) {
	case 0:
		n.refused = 0.3 * w.rand.Float64()
	case 1:
		n.lost = 0.5 * w.rand.Float64()
	default:
		n.slow = between(w.rand, 100*time.Millisecond, 6*time.Second)
	}
	w.network, w.doubts = n, true
	w.disturb()
	w.tell("the network: %.0f %% of the requests fail, %.0f %% of the answers are lost, writes take up to %v", 100*n.refused, 100*n.lost, n.slow)
	w.later(time.Millisecond, 15*time.Second, func() {
		w.network = networkFaults{}
		w.disturb()
		w.tell("the network works again")
	})
}
