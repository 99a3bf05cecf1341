package kafkalog

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/produce"

	"remux-retrier/consumer"
)

const (
	// ackTimeout is how long the leader waits for the in-sync replicas. It must
	// outlast the fencing of a dead replica (9 s by default): a shorter one
	// fails writes that were made, and every retry writes a duplicate.
	ackTimeout = 30 * time.Second
	// produceTimeout leaves the broker time to say so.
	produceTimeout = ackTimeout + 5*time.Second

	allInSyncReplicas = -1
)

// Produce sends one batch to the partition's leader and never sends it again by
// itself. The messages must not be changed afterwards, not even when it has
// returned an error: a batch whose context has ended may still be on its way.
//
// It returns the offset of the first message; without messages it is 0.
func (l *Log) Produce(ctx context.Context, topic string, partition int, messages []consumer.Message) (first int64, err error) {
	if len(messages) == 0 {
		return 0, nil
	}
	doing := fmt.Sprintf("write to %s/%d", topic, partition)
	right := "WRITE on topic " + topic
	m, err := l.roundTrip(ctx, produceTimeout, &produce.Request{
		Acks:    allInSyncReplicas,
		Timeout: int32(ackTimeout / time.Millisecond),
		Topics: []produce.RequestTopic{{
			Topic: topic,
			Partitions: []produce.RequestPartition{{
				Partition: int32(partition),
				RecordSet: protocol.RecordSet{Records: protocol.NewRecordReader(records(messages)...)},
			}},
		}},
	})
	if err != nil {
		return 0, l.explain(doing, right, l.unrouted(ctx, topic, partition, err))
	}
	res := m.(*produce.Response)
	if len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return 0, fmt.Errorf("%s: the broker did not answer for this partition", doing)
	}
	answer := res.Topics[0].Partitions[0]
	if answer.ErrorCode == 0 {
		return answer.BaseOffset, nil
	}
	err = kafka.Error(answer.ErrorCode)
	if answer.ErrorMessage != "" {
		err = fmt.Errorf("%w: %s", err, answer.ErrorMessage)
	}
	return 0, l.explain(doing, right, err)
}

func records(messages []consumer.Message) []protocol.Record {
	out := make([]protocol.Record, len(messages))
	for i, m := range messages {
		out[i] = protocol.Record{Key: protocol.NewBytes(m.Key), Value: protocol.NewBytes(m.Value)}
		for _, h := range m.Headers {
			out[i].Headers = append(out[i].Headers, protocol.Header{Key: h.Key, Value: h.Value})
		}
	}
	return out
}

// countFor is how long a topic's number of partitions is remembered for choosing
// among them: asking for it anew costs more than hashing the key.
const countFor = 5 * time.Second

// count is a topic's partitions, as of a moment.
type count struct {
	all []int // 0 to n−1, as the balancer wants them
	at  time.Time
}

// PartitionFor hashes like the Java producer; nil keys take turns.
func (l *Log) PartitionFor(ctx context.Context, topic string, key []byte) (int, error) {
	known, _ := l.counts.Load(topic)
	c, ok := known.(count)
	if !ok || time.Since(c.at) > countFor {
		n, err := l.Partitions(ctx, topic)
		if err != nil {
			return 0, err
		}
		c = count{all: make([]int, n), at: time.Now()}
		for i := range c.all {
			c.all[i] = i
		}
		l.counts.Store(topic, c)
	}
	if key == nil {
		return int(l.keyless.Add(1) % uint64(len(c.all))), nil
	}
	return kafka.Murmur2Balancer{Consistent: true}.Balance(kafka.Message{Key: key}, c.all...), nil
}
