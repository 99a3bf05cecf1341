package simulation

import (
	"time"
)

// unproven is when a commit was sent that has not been acknowledged in a generation.
const unproven = -time.Hour

// proven takes note of an acknowledged commit: when it was sent, the partitions were
// the instance's.
func (i *instance) proven(sent time.Duration, since int) {
	if since == i.since {
		i.provenAt = sent
	}
}

// checkProof: who calls, or publishes, must know from a young commit that nobody
// else owns the partitions by now. The group gives them to others when a session is
// over, or in a rebalance when a silent member has outstayed the rebalance time-out.
func (i *instance) checkProof(within time.Duration, invariant, doing string) {
	if age := i.w.s.now - i.provenAt; age >= within {
		i.w.violate(invariant, "instance %s %s, and its last acknowledged commit was sent %v ago", i.name, doing, age)
	}
}

// A call begins before the end of a rebalance is due, and ends before a next owner
// believes what it sees; a message may be written up to a drain after its beginning.
func (w *world) callWithin() time.Duration    { return min(w.session/2, w.timeout+drainSlack) }
func (w *world) publishWithin() time.Duration { return min(w.session, rebalanceSlack-drainSlack) }
