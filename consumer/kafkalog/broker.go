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

// leaders are a topic's leaders, as they were at the time of the lookup.
type leaders struct {
	byPartition map[int]int32 // negative: the partition has no leader
	lookedUp    time.Time
}

// leader returns the id of the partition's leader, as the transport's metadata had it at
// most leadersFor ago. That is at most about two seconds old itself.
func (l *Client) leader(ctx context.Context, topic string, partition int) (int32, error) {
	known := l.leaders.load(topic)
	// Only a leader is taken from the cache. Partitions may know of a partition that was
	// added since.
	if id, exists := known.byPartition[partition]; exists && id >= 0 && time.Since(known.lookedUp) <= leadersFor {
		return id, nil
	}
	known = leaders{byPartition: map[int]int32{}, lookedUp: time.Now()}
	t, err := l.lookUp(ctx, topic)
	if err != nil {
		return 0, err
	}
	for i := range t.Partitions {
		known.byPartition[int(t.Partitions[i].PartitionIndex)] = t.Partitions[i].LeaderID
	}
	l.leaders.store(topic, known)
	id, exists := known.byPartition[partition]
	switch {
	case !exists:
		return 0, kafka.UnknownTopicOrPartition
	case id < 0:
		return 0, kafka.LeaderNotAvailable
	}
	return id, nil
}

// byTopic caches a value for each topic. Unlike sync.Map it needs no memory to look a topic
// up; each event takes several lookups.
type byTopic[V any] struct {
	mu     sync.RWMutex
	values map[string]V
}

// load returns a topic's value; the zero value if there is none.
func (b *byTopic[V]) load(topic string) V {
	b.mu.RLock()
	defer b.mu.RUnlock()
	return b.values[topic]
}

func (b *byTopic[V]) store(topic string, v V) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.values == nil {
		b.values = map[string]V{}
	}
	b.values[topic] = v
}
