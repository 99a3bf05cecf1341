package simulation

import (
	"context"
	"slices"
	"time"
)

// stall has the brokers answer nothing for a while, shorter than anything that a member
// may overstay.
func (w *world) stall() {
	takes := between(w.rand, 500*time.Millisecond, min(4*min(w.session, w.timeout+rebalanceSlack)/10, w.timeout+drainSlack))
	w.stalledUntil, w.stallEnds = w.s.now+takes, chance(w.rand, 0.5)
	w.tell("the brokers do not answer for %v", takes)
}

// stalled holds a request up while the brokers answer nothing: before it has an effect,
// or only its answer.
func (n *network) stalled(ctx context.Context, arrive func(ctx context.Context) error) error {
	w := n.i.w
	wait := func() error { return n.i.clock.Sleep(ctx, w.stalledUntil-w.s.now) }
	if w.s.now >= w.stalledUntil {
		return arrive(ctx)
	}
	if !w.stallEnds {
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

// strayAnswer has a broker answer the next commit once with an unknown topic, as one does
// that has not heard of it yet.
func (w *world) strayAnswer() { w.stray = !w.log.deleted }

// upset takes note of something that may well end generations, until everybody has
// seen it.
func (w *world) upset() { w.upsetUntil = w.s.now + 10*time.Second }

// isUpset: it is going on.
func (w *world) isUpset() bool {
	return w.away || w.network != networkWeather{} || w.log.deleted ||
		slices.ContainsFunc(w.slots, func(i *instance) bool { return i != nil && i.proc.paused })
}

// checkRelease looks at a generation that its member gives up by itself: not because the
// group rebalances or it was told to stop, nor after anything else that justifies it.
func (g *generation) checkRelease() {
	i, w := g.n.i, g.n.i.w
	if isClosed(g.Ended()) || g.released || i.told > 0 || w.isUpset() || w.upsetUntil >= i.sinceAt || i.counted != i.countedBefore {
		return
	}
	w.violate("3: a generation ends only if it must", "instance %s gives up its generation, and nothing has happened but that a broker answered late or strangely", i.name)
}

// checkRead looks at a read of the failed topic: below what the instance has found
// committed everything is done, unless the log is another one.
func (i *instance) checkRead(partition int, offset int64) {
	at, found := i.found[partition]
	if found && offset < at.Offset && i.w.log.first && i.w.forgot == 0 && slices.Contains(i.assigned, partition) {
		i.w.violate("3: what is committed is not read again", "instance %s reads partition %d from %d on, and %d is committed", i.name, partition, offset, at.Offset)
	}
}
