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
	// half of the slots.
	minPending = 8
)

// writable reports whether a message would be written soon. Each partition in use may hold
// an equal part of the slots (events that are called and unacknowledged), and at least a
// few. So a partition that hangs cannot use up all slots before that is noticed. For the
// usual duration of a write it may hold half of them: messages of a busy topic come in
// bursts.
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
	inUse, age := p.used[topic], p.g.c.cfg.Clock.Now().Sub(q.began)
	slots := 2 * p.g.c.cfg.MaxInFlight
	most := max(min(minPending, slots/2), slots/inUse)
	switch {
	case inUse == 1: // it takes no slots from others
		most = math.MaxInt
	case age < usualWrite:
		most = max(most, slots/2)
	}
	return !q.failing && age < slowWrite && q.pending < most
}
