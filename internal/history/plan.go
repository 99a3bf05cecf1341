package history

import (
	"context"

	"remux-retrier/consumer"
)

// stretch is what is to be read of one partition.
type stretch struct {
	topic     string
	partition int
	consumer.Interval
}

// asked is what is to be read of the dead-letter and the failed topic: all of them,
// since their producers are not ours.
func (t *telling) asked(ctx context.Context) (todo []stretch, err error) {
	log := t.r.cfg.Log
	for _, topic := range []string{t.r.cfg.DeadLetter, t.r.cfg.Failed} {
		n, err := log.Partitions(ctx, topic)
		if err != nil {
			return nil, err
		}
		spans, err := log.Span(ctx, topic, n, t.since)
		if err != nil {
			return nil, err
		}
		likely, err := log.PartitionFor(ctx, topic, []byte(t.id))
		if err != nil {
			return nil, err
		}
		for i := range n { // the likeliest first, for the limit may end the reading
			p := (likely + i) % n
			todo = append(todo, stretch{topic, p, spans[p]})
		}
	}
	return todo, nil
}

// outcomes is what is to be read of the outcome topics: one partition of each,
// chosen by the task's id.
func (t *telling) outcomes(ctx context.Context) (todo []stretch, err error) {
	for _, topic := range []string{t.r.cfg.Retried, t.r.cfg.RetryFailed} {
		p, err := t.r.cfg.Log.PartitionFor(ctx, topic, []byte(t.id))
		if err != nil {
			return nil, err
		}
		spans, err := t.r.cfg.Log.Span(ctx, topic, p+1, t.since)
		if err != nil {
			return nil, err
		}
		todo = append(todo, stretch{topic, p, spans[p]})
	}
	return todo, nil
}
