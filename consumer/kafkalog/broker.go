package kafkalog

import (
	"context"
	"sync"
	"time"

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

// leadersFor is how long a topic's leaders are cached. Each request needs one, and
// kafka-go copies the topic's whole metadata at each lookup.
const leadersFor = 200 * time.Millisecond

// leaders are a topic's leaders at some time.
type leaders struct {
	of map[int]int32 // by partition; negative: it has none
	at time.Time
}

// leader returns the id of the partition's leader, as the transport's metadata had it at
// most leadersFor ago. That is at most about two seconds old itself.
func (l *Client) leader(ctx context.Context, topic string, partition int) (int32, error) {
	cached, _ := l.leaders.Load(topic)
	known, ok := cached.(leaders)
	if !ok || time.Since(known.at) > leadersFor {
		t, err := l.lookUp(ctx, topic)
		if err != nil {
			return 0, err
		}
		known = leaders{of: make(map[int]int32, len(t.Partitions)), at: time.Now()}
		for i := range t.Partitions {
			known.of[int(t.Partitions[i].PartitionIndex)] = t.Partitions[i].LeaderID
		}
		l.leaders.Store(topic, known)
	}
	id, exists := known.of[partition]
	switch {
	case !exists:
		return 0, kafka.UnknownTopicOrPartition
	case id < 0:
		return 0, kafka.LeaderNotAvailable
	}
	return id, nil
}
