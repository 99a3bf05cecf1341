package simulation

import (
	"context"
	"slices"
	"time"
)

// stall makes the brokers answer nothing for a while, shorter than any timeout of a member.
func (w *world) stall() {
	takes := between(w.rand, 500*time.Millisecond, min(4*min(w.session, w.timeout+rebalanceSlack)/10, w.timeout+drainSlack))
	w.stalledUntil, w.stallsAnswers = w.s.now+takes, chance(w.rand, 0.5)
	w.tell("the brokers do not answer for %v", takes)
}

// stalled delays a request while the brokers answer nothing: before it has an effect, or
// only its answer.
func (n *network) stalled(ctx context.Context, arrive func(ctx context.Context) error) error {
	w := n.i.w
	wait := func() error { return n.i.clock.Sleep(ctx, w.stalledUntil-w.s.now) }
	if w.s.now >= w.stalledUntil {
		return arrive(ctx)
	}
	if !w.stallsAnswers {
		if err := wait(); err != nil {
			return err
		}
		return arrive(ctx)
	}
	err := arrive(ctx)
	if gaveUp := wait(); gaveUp != nil {
		return gaveUp
	}
	return err
}

// answerUnknownTopic makes a broker answer the next commit once with "unknown topic", like
// one that does not know the topic yet.
func (w *world) answerUnknownTopic() { w.unknownTopicOnce = !w.log.deleted }

// disturb notes something that may end generations, until all have seen it.
func (w *world) disturb() { w.disturbedUntil = w.s.now + 10*time.Second }

// isDisturbed: something that may end generations is going on.
func (w *world) isDisturbed() bool {
	return w.unreachable || w.network != networkFaults{} || w.log.deleted ||
		slices.ContainsFunc(w.slots, func(i *instance) bool { return i != nil && i.proc.paused })
}

// checkRelease checks a generation that its member releases by itself: neither because the
// group rebalances or it was told to stop, nor after anything else that justifies it.
func (g *generation) checkRelease() {
	i, w := g.n.i, g.n.i.w
	if isClosed(g.Ended()) || g.released || i.stoppingAt > 0 || w.isDisturbed() || w.disturbedUntil >= i.joinsAt || i.counted != i.countedBefore {
		return
	}
	w.violate("3: a generation ends only if it must", "instance %s gives up its generation, although a broker only answered late or wrongly", i.name)
}

// checkRead checks a read of the failed topic. The instance must not read below the
// committed offset that it has found: everything there is done, unless the log is a
// different one.
func (i *instance) checkRead(partition int, offset int64) {
	at, found := i.found[partition]
	if found && offset < at.Offset && i.w.log.first && i.w.expiredAt == 0 && slices.Contains(i.assigned, partition) {
		i.w.violate("3: what is committed is not read again", "instance %s reads partition %d from %d on, and %d is committed", i.name, partition, offset, at.Offset)
	}
}
