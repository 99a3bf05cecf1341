package consumer

import (
	"context"
	"sync/atomic"
	"time"

	"remux-retrier/internal/clock"
)

// firstSightWithin is how long partitions wait for each other at most: one whose
// broker does not answer must not hold up the others.
const firstSightWithin = time.Second

// firstSight has the partitions of a generation wait until the ends of all are known.
// Events of one task may stand in several partitions, and a call answers those that
// were seen before it was sent. See sightings.
type firstSight struct {
	left atomic.Int64
	all  chan struct{} // closed when none is left
}

func newFirstSight(partitions int) *firstSight {
	f := &firstSight{all: make(chan struct{})}
	f.left.Store(int64(partitions))
	return f
}

// tried counts a partition whose end is known, or could not be learned at once.
func (f *firstSight) tried() {
	if f.left.Add(-1) == 0 {
		close(f.all)
	}
}

// wait waits for the other partitions.
func (f *firstSight) wait(ctx context.Context, c clock.Clock) {
	ctx, cancel := clock.WithTimeout(ctx, c, firstSightWithin)
	defer cancel()
	_ = c.Wait(ctx, f.all) // why it ended does not matter
}
