package consumer

import (
	"context"
	"sync"
	"time"

	"remux-retrier/internal/clock"
)

// ownership is what a generation knows of owning its partitions. Kafka fences
// commits, but neither calls nor messages: a member that slept must find out by
// itself that its partitions have a new owner.
//
// working ends when no new work may begin, owned when nothing may be published
// any more, because somebody else may own the partitions.
type ownership struct {
	clock   clock.Clock
	working context.Context
	stop    context.CancelCauseFunc
	owned   context.Context
	disable context.CancelCauseFunc

	commits clock.Alarm // ring: a commit is wanted now

	mu sync.Mutex
	// proven is when the last acknowledged commit was sent; acked is closed and
	// made anew at each acknowledgement.
	proven time.Time
	acked  chan struct{}
}

// newOwnership works until ctx is done and owns until end is, which is later.
func newOwnership(ctx, end context.Context, c clock.Clock) *ownership {
	o := &ownership{clock: c, acked: make(chan struct{})}
	o.owned, o.disable = context.WithCancelCause(end)
	o.working, o.stop = context.WithCancelCause(ctx)
	return o
}

// revoke ends the ownership, and with it the work.
func (o *ownership) revoke(why error) {
	o.disable(why)
	o.stop(why)
}

// prove takes note of an acknowledged commit: the partitions were ours when it
// was sent.
func (o *ownership) prove(sent time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.proven = sent
	close(o.acked)
	o.acked = make(chan struct{})
}

// fresh tells whether the last proof is younger than within.
func (o *ownership) fresh(within time.Duration) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.proven.IsZero() && o.clock.Now().Sub(o.proven) < within
}

// await waits for a proof younger than within, and until also holds. It asks for
// commits meanwhile.
func (o *ownership) await(ctx context.Context, within time.Duration, also func() bool) error {
	for {
		o.mu.Lock()
		acked := o.acked
		o.mu.Unlock()
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if also() && o.fresh(within) {
			return nil
		}
		o.commits.Ring()
		_ = o.clock.Wait(ctx, acked) // the loop looks why it ended
	}
}
