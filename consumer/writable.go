package consumer

import (
	"context"
	"math"
	"time"
)

const (
	// usualWrite is the usual upper limit for the duration of a write.
	usualWrite = 25 * time.Millisecond
	// slowWrite: a partition whose current write is older is not writable.
	slowWrite = time.Second
	// minPending is how many unacknowledged messages any partition may have, but at most
	// half of the call limit.
	minPending = 8
)

// writable reports whether a message would be written soon. Each partition may hold a fair
// part of the events that are called and unacknowledged, and at least a few. So a partition
// that hangs cannot use up the whole limit before that is noticed. For the usual duration
// of a write it may hold half of the limit: messages of a busy topic come in bursts.
func (p *publisher) writable(ctx context.Context, topic string, key []byte) bool {
	partition, err := p.partitionFor(ctx, topic, key)
	if err != nil {
		return false
	}
	q := p.queue(topicPartition{topic, partition})
	p.mu.Lock()
	defer p.mu.Unlock()
	if q.pending == 0 {
		return true
	}
	partitions, age := p.used[topic], p.g.c.cfg.Clock.Now().Sub(q.began)
	half := p.g.c.cfg.MaxInFlight
	most := max(min(minPending, half), 2*half/partitions)
	switch {
	case partitions == 1:
		most = math.MaxInt
	case age < usualWrite:
		most = max(most, half)
	}
	return !q.failing && age < slowWrite && q.pending < most
}
