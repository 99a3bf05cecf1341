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

// boundsBarrier makes the partitions of a generation wait until the end of each is known.
// Events of one task may be in several partitions, and a call answers those that were
// observed before it was sent; see observations.
type boundsBarrier struct {
	left atomic.Int64
	all  chan struct{} // closed when none is left
}

func newBoundsBarrier(partitions int) *boundsBarrier {
	f := &boundsBarrier{all: make(chan struct{})}
	f.left.Store(int64(partitions))
	return f
}

// tried counts a partition whose end is known or could not be read at the first attempt.
func (f *boundsBarrier) tried() {
	if f.left.Add(-1) == 0 {
		close(f.all)
	}
}

// wait waits for the other partitions.
func (f *boundsBarrier) wait(ctx context.Context, c clock.Clock) {
	ctx, cancel := clock.WithTimeout(ctx, c, boundsTimeout)
	defer cancel()
	_ = c.Wait(ctx, f.all) // why it ended does not matter
}
