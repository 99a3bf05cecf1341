package kafkalog

import (
	"context"
	"sync"

	"github.com/segmentio/kafka-go"
)

// At most eight connections to one broker are open: one for long fetches, one for short
// fetches and lookups, writesAtOnce for writes, one for requests to the coordinator, one
// for kafka-go's metadata, one for heartbeats. Only slow requests, such as writes that wait
// for a replica, add more: see slowAfter.
const writesAtOnce = 3

// broker holds this client's requests to one broker.
type broker struct {
	fetches *poller
	writes  *connPool
}

// brokerSet has the brokers that this client has sent requests to, by id.
type brokerSet struct {
	mu   sync.Mutex
	byID map[int32]*broker
}

func (l *Client) broker(id int32) *broker {
	l.brokers.mu.Lock()
	defer l.brokers.mu.Unlock()
	b := l.brokers.byID[id]
	if b == nil {
		b = &broker{fetches: newPoller(l, id), writes: newConnPool(l, id, writesAtOnce)}
		if l.brokers.byID == nil {
			l.brokers.byID = map[int32]*broker{}
		}
		l.brokers.byID[id] = b
	}
	return b
}

// leader returns the id of the partition's leader from the transport's metadata, which is
// at most about two seconds old.
func (l *Client) leader(ctx context.Context, topic string, partition int) (int32, error) {
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
