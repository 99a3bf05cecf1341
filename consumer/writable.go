package consumer

import (
	"context"
	"math"
	"time"
)

const (
	// usualWrite is how long a write takes at most, as a rule.
	usualWrite = 25 * time.Millisecond
	// slowWrite is the age of a write from which on its partition counts as one that
	// cannot be written to now.
	slowWrite = time.Second
	// fewest is how many unacknowledged messages any partition may have, but no more
	// than half of what may be called.
	fewest = 8
)

// writable tells whether a message would be written soon. Of what may be called and
// not yet acknowledged, a partition whose write takes longer than usual may hold its
// part, and at least a few: one that hangs must not hold all of it before that is
// noticed. Until then it may hold half, for the messages of a busy topic come in
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
	of, age := p.used[topic], p.g.c.cfg.Clock.Now().Sub(q.began)
	half := p.g.c.cfg.MaxInFlight
	most := max(min(fewest, half), 2*half/of)
	switch {
	case of == 1:
		most = math.MaxInt
	case age < usualWrite:
		most = max(most, half)
	}
	return !q.failing && age < slowWrite && q.pending < most
}
