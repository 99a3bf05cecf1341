package kafkalog

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"remux-retrier/internal/clock"
)

// To one broker at most eight connections are open: two for fetches and lookups,
// writesAtOnce for writes, one for the coordinator's requests, one for kafka-go's
// metadata, one for heartbeats. Only writes that wait long come on top.
const (
	writesAtOnce = 3
	// slowWrite is after how long a write gives its place to others: it waits for
	// a replica, as its partition's next ones will, and other partitions need not.
	slowWrite = time.Second
)

// broker is what this client has under way at one broker.
type broker struct {
	fetches *poller
	writes  places
}

// places bound how many writes are under way at once. Who waits longest gets the
// next place.
type places struct {
	taken chan struct{}
	muted atomic.Int64 // until when the broker takes nothing, in Unix nanoseconds
}

// take waits for a place, which is given back by release, or after slowWrite.
func (p *places) take(ctx context.Context) (release func(), err error) {
	select {
	case p.taken <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	give := sync.OnceFunc(func() { <-p.taken })
	if err := clock.System.Sleep(ctx, time.Until(time.Unix(0, p.muted.Load()))); err != nil {
		give()
		return nil, err
	}
	slow := time.AfterFunc(slowWrite, give)
	return func() { slow.Stop(); give() }, nil
}

// mute holds the next writes back for a while.
func (p *places) mute(while time.Duration) {
	if while > 0 {
		p.muted.Store(time.Now().Add(while).UnixNano())
	}
}

func (l *Log) broker(id int32) *broker {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.brokers[id]
	if b == nil {
		b = &broker{fetches: newPoller(l, id), writes: places{taken: make(chan struct{}, writesAtOnce)}}
		l.brokers[id] = b
	}
	return b
}

// leader is the id of the broker that leads a partition, as the transport's
// metadata has it, at most about two seconds old.
func (l *Log) leader(ctx context.Context, topic string, partition int) (int32, error) {
	t, err := l.lookUp(ctx, topic)
	if err != nil {
		return 0, err
	}
	for i := range t.Partitions {
		p := &t.Partitions[(i+partition)%len(t.Partitions)] // they are sorted
		if int(p.PartitionIndex) != partition {
			continue
		}
		if p.LeaderID < 0 {
			return 0, kafka.LeaderNotAvailable
		}
		return p.LeaderID, nil
	}
	return 0, kafka.UnknownTopicOrPartition
}
