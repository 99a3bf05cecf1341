package kafkalog

import (
	"context"
	"fmt"
	"time"

	"github.com/segmentio/kafka-go"

	"remux-retrier/consumer"
)

// Span tells, partition by partition, from where to read a topic and where that
// ends: From is the offset of the first record whose timestamp is not before
// since (of the first record there is, where since is zero), To the last stable
// offset. Both are To where no record is that young.
//
// The brokers know the time of each record as the topic has it: the producer's,
// or with message.timestamp.type=LogAppendTime their own. partitions is the
// number to ask for, from 0 on; all of them are answered for, or it fails.
func (l *Log) Span(ctx context.Context, topic string, partitions int, since time.Time) ([]consumer.Interval, error) {
	doing := "ask for the span of topic " + topic
	right := "DESCRIBE on topic " + topic
	timed := !since.IsZero() && since.UnixMilli() > 0 // negative numbers mean other things to the protocol
	requests := make([]kafka.OffsetRequest, 0, 2*partitions)
	for p := range partitions {
		from := kafka.FirstOffsetOf(p)
		if timed {
			from = kafka.OffsetRequest{Partition: p, Timestamp: since.UnixMilli()}
		}
		requests = append(requests, from, kafka.LastOffsetOf(p))
	}
	res, err := l.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics:         map[string][]kafka.OffsetRequest{topic: requests},
		IsolationLevel: kafka.ReadCommitted,
	})
	if err != nil {
		return nil, l.explain(doing, right, l.unrouted(ctx, topic, 0, err))
	}
	spans := make([]consumer.Interval, partitions)
	answered := 0
	for _, o := range res.Topics[topic] {
		if o.Error != nil {
			return nil, l.explain(fmt.Sprintf("%s, partition %d", doing, o.Partition), right, o.Error)
		}
		from := o.FirstOffset
		if timed {
			from = o.LastOffset
			for found := range o.Offsets { // one was asked for; -1 is none
				if found >= 0 {
					from = found
				}
			}
		}
		// What was asked for one after the other may have been written to in
		// between.
		spans[o.Partition] = consumer.Interval{From: min(from, o.LastOffset), To: o.LastOffset}
		answered++
	}
	if answered != partitions {
		return nil, fmt.Errorf("%s: the broker answered for %d of %d partitions", doing, answered, partitions)
	}
	return spans, nil
}
