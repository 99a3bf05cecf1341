package consumer

import (
	"context"
	"sync"
	"time"

	"remux-retrier/internal/clock"
)

// ownership tracks whether a generation still owns its partitions. Kafka rejects commits of
// a former owner, but nothing rejects its API calls or messages. So a member that slept
// must find out by itself that its partitions have a new owner.
//
// working ends when no new work may begin. owned ends when nothing may be published any
// more, because another member may own the partitions.
type ownership struct {
	clock   clock.Clock
	working context.Context
	stop    context.CancelCauseFunc
	owned   context.Context
	disable context.CancelCauseFunc

	commits clock.Alarm // ring: commit now

	mu sync.Mutex
	// provenAt is when the last acknowledged commit was sent. acked is closed and replaced
	// at each acknowledgement.
	provenAt time.Time
	acked    chan struct{}
}

// newOwnership returns one whose work ends with ctx, and whose ownership ends with end,
// which is later.
func newOwnership(ctx, end context.Context, c clock.Clock) *ownership {
	o := &ownership{clock: c, acked: make(chan struct{})}
	o.owned, o.disable = context.WithCancelCause(end)
	o.working, o.stop = context.WithCancelCause(ctx)
	return o
}

// revoke ends the ownership and the work.
func (o *ownership) revoke(why error) {
	o.disable(why)
	o.stop(why)
}

// prove notes an acknowledged commit: the partitions were ours when it was sent.
func (o *ownership) prove(sent time.Time) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.provenAt = sent
	close(o.acked)
	o.acked = make(chan struct{})
}

// fresh reports whether the last proof is younger than maxAge.
func (o *ownership) fresh(maxAge time.Duration) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return !o.provenAt.IsZero() && o.clock.Now().Sub(o.provenAt) < maxAge
}

// awaitProof waits until the last proof is younger than maxAge and condition holds. It
// requests commits meanwhile.
func (o *ownership) awaitProof(ctx context.Context, maxAge time.Duration, condition func() bool) error {
	for {
		o.mu.Lock()
		acked := o.acked
		o.mu.Unlock()
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if condition() && o.fresh(maxAge) {
			return nil
		}
		o.commits.Ring()
		_ = o.clock.Wait(ctx, acked) // the loop checks why it ended
	}
}
