package app

import (
	"context"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/admin"
)

// Deadlines of what the loops do. Each is far beyond the time-outs that end the
// operation itself: whoever misses it hangs, and only a restart helps.
const (
	commitDeadline  = 2 * time.Minute
	fetchDeadline   = 2 * time.Minute
	produceDeadline = 3 * time.Minute
)

// watchedLog tells the watchdog what the consumer's loops are at: no commit, no
// fetch and no write may hang. Waiting for the group is no hanging.
type watchedLog struct {
	Log
	loops *admin.Loops
}

func (w watchedLog) Join(ctx context.Context) (consumer.Generation, error) {
	gen, err := w.Log.Join(ctx)
	if err != nil {
		return nil, err
	}
	return watchedGeneration{gen, w.loops}, nil
}

func (w watchedLog) Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (consumer.Page, error) {
	defer w.loops.Loop("fetching", fetchDeadline).Stop()
	return w.Log.Fetch(ctx, topic, partition, offset, maxBytes)
}

func (w watchedLog) Produce(ctx context.Context, topic string, partition int, messages []consumer.Message) (int64, error) {
	defer w.loops.Loop("publishing", produceDeadline).Stop()
	return w.Log.Produce(ctx, topic, partition, messages)
}

type watchedGeneration struct {
	consumer.Generation
	loops *admin.Loops
}

func (w watchedGeneration) Commit(ctx context.Context, positions map[int]consumer.Position) error {
	defer w.loops.Loop("committing offsets", commitDeadline).Stop()
	return w.Generation.Commit(ctx, positions)
}
