package kafkalog

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/fetch"

	"remux-retrier/consumer"
)

const (
	// fetchWait is how long a broker holds a fetch that finds nothing.
	fetchWait = 500 * time.Millisecond
	// fetchTimeout bounds a fetch, the transfer of its page included.
	fetchTimeout = 10 * time.Second
	// readCommitted hides open and aborted transactions' effects on what may be
	// read: the broker answers up to the last stable offset and lists what was
	// aborted (KIP-98); the page decoder leaves that out.
	readCommitted = 1
)

// Fetch sends one request to the partition's leader.
func (l *Log) Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (consumer.Page, error) {
	doing := fmt.Sprintf("fetch %s/%d at offset %d", topic, partition, offset)
	right := "READ on topic " + topic
	m, err := l.roundTrip(ctx, fetchTimeout, &fetch.Request{
		ReplicaID:      -1,
		MaxWaitTime:    int32(fetchWait / time.Millisecond),
		MinBytes:       1,
		MaxBytes:       int32(maxBytes),
		IsolationLevel: readCommitted,
		// Without a fetch session (KIP-227): the requests of one partition come
		// over changing connections, and a session would be made for each.
		SessionEpoch: -1,
		Topics: []fetch.RequestTopic{{
			Topic: topic,
			Partitions: []fetch.RequestPartition{{
				Partition:          int32(partition),
				CurrentLeaderEpoch: -1,
				FetchOffset:        offset,
				LogStartOffset:     -1,
				PartitionMaxBytes:  int32(maxBytes),
			}},
		}},
	})
	if err != nil {
		return consumer.Page{}, l.explain(doing, right, l.unrouted(ctx, topic, partition, err))
	}
	res := m.(*fetch.Response)
	if res.ErrorCode != 0 {
		return consumer.Page{}, l.explain(doing, right, kafka.Error(res.ErrorCode))
	}
	if len(res.Topics) != 1 || len(res.Topics[0].Partitions) != 1 {
		return consumer.Page{}, fmt.Errorf("%s: the broker did not answer for this partition", doing)
	}
	answer := &res.Topics[0].Partitions[0]
	if answer.ErrorCode != 0 {
		return consumer.Page{}, l.explain(doing, right, kafka.Error(answer.ErrorCode))
	}
	page, err := decodePage(topic, partition, offset, answer)
	if err != nil {
		return consumer.Page{}, fmt.Errorf("%s: %w", doing, err)
	}
	return page, nil
}

// Bounds asks the partition's leader. next is the end of all records, those of
// open transactions included.
func (l *Log) Bounds(ctx context.Context, topic string, partition int) (first, next int64, err error) {
	doing := fmt.Sprintf("ask for the bounds of %s/%d", topic, partition)
	right := "DESCRIBE on topic " + topic
	res, err := l.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{
			topic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)},
		},
	})
	if err != nil {
		return 0, 0, l.explain(doing, right, err)
	}
	if len(res.Topics[topic]) != 1 {
		return 0, 0, fmt.Errorf("%s: the broker did not answer for this partition", doing)
	}
	bounds := res.Topics[topic][0]
	if bounds.Error != nil {
		return 0, 0, l.explain(doing, right, bounds.Error)
	}
	return bounds.FirstOffset, bounds.LastOffset, nil
}
