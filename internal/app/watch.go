package app

import (
	"context"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/admin"
)

// Deadlines of the loops' operations. Each is far above the timeouts of the operation
// itself: a loop that misses it hangs, and only a restart helps.
const (
	commitDeadline  = 2 * time.Minute
	fetchDeadline   = 2 * time.Minute
	produceDeadline = 3 * time.Minute
)

// watchedClient reports the consumer's operations to the watchdog: no commit, fetch or
// write may hang. Each one is watched like a loop that ends with it. Waiting for the group
// does not count as hanging.
type watchedClient struct {
	Client
	loops *admin.Loops
}

func (w watchedClient) Join(ctx context.Context) (consumer.Generation, error) {
	gen, err := w.Client.Join(ctx)
	if err != nil {
		return nil, err
	}
	return watchedGeneration{gen, w.loops}, nil
}

func (w watchedClient) Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (consumer.Page, error) {
	defer w.loops.Loop("fetching", fetchDeadline).Stop()
	return w.Client.Fetch(ctx, topic, partition, offset, maxBytes)
}

func (w watchedClient) Produce(ctx context.Context, topic string, partition int, messages []consumer.Message) (int64, error) {
	defer w.loops.Loop("publishing", produceDeadline).Stop()
	return w.Client.Produce(ctx, topic, partition, messages)
}

type watchedGeneration struct {
	consumer.Generation
	loops *admin.Loops
}

func (w watchedGeneration) Commit(ctx context.Context, positions map[int]consumer.Position) error {
	defer w.loops.Loop("committing offsets", commitDeadline).Stop()
	return w.Generation.Commit(ctx, positions)
}
