package consumer

import (
	"context"
	"sync/atomic"
	"time"

	"remux-retrier/internal/clock"
)

// boundsTimeout is how long partitions wait for each other: one with an unavailable leader
// must not delay the others for long.
const boundsTimeout = time.Second

// boundsBarrier makes the partitions of a generation wait until the end of each is known, or
// could not be read at the first attempt, at most boundsTimeout.
// Events of one task may be in several partitions, and a call answers those that were
// observed before it was sent; see observations.
type boundsBarrier struct {
	left atomic.Int64
	all  chan struct{} // closed when no partition is left
}

func newBoundsBarrier(partitions int) *boundsBarrier {
	b := &boundsBarrier{all: make(chan struct{})}
	b.left.Store(int64(partitions))
	return b
}

// tried counts a partition whose end is known or could not be read at the first attempt.
func (b *boundsBarrier) tried() {
	if b.left.Add(-1) == 0 {
		close(b.all)
	}
}

// wait waits for the other partitions.
func (b *boundsBarrier) wait(ctx context.Context, c clock.Clock) {
	ctx, cancel := clock.WithTimeout(ctx, c, boundsTimeout)
	defer cancel()
	_ = c.Wait(ctx, b.all) // why it ended does not matter
}
