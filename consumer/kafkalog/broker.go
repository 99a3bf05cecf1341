package kafkalog

import (
	"context"

	"github.com/segmentio/kafka-go"
)

// To one broker at most eight connections are open: one for long fetches, one for
// short ones and lookups, writesAtOnce for writes, one for the coordinator's
// requests, one for kafka-go's metadata, one for heartbeats. Only writes that take
// long, because a replica does not answer, come on top.
const writesAtOnce = 3

// broker is what this client has under way at one broker.
type broker struct {
	fetches *poller
	writes  *line
}

func (l *Log) broker(id int32) *broker {
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.brokers[id]
	if b == nil {
		b = &broker{fetches: newPoller(l, id), writes: newLine(l, id, writesAtOnce)}
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
