package simulation

import (
	"time"
)

// unproven is provenAt of a generation without an acknowledged commit.
const unproven = -time.Hour

// proven notes an acknowledged commit: when it was sent, the partitions belonged to the
// instance.
func (i *instance) proven(sent time.Duration, since int) {
	if since == i.since {
		i.provenAt = sent
	}
}

// checkProof: an instance that calls or publishes must know from a recent commit that no
// other instance owns the partitions. The group reassigns them when a session expires, or
// in a rebalance when a silent member exceeds the rebalance timeout.
func (i *instance) checkProof(within time.Duration, invariant, doing string) {
	if age := i.w.s.now - i.provenAt; age >= within {
		i.w.violate(invariant, "instance %s %s, and its last acknowledged commit was sent %v ago", i.name, doing, age)
	}
}

// A call starts before a rebalance can end, and ends before a next owner trusts what it
// sees. A message may be written up to a drain later.
func (w *world) callMaxAge() time.Duration    { return min(w.session/2, w.timeout+drainSlack) }
func (w *world) publishMaxAge() time.Duration { return min(w.session, rebalanceSlack-drainSlack) }
