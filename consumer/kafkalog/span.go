package kafkalog

import (
	"context"
	"time"

	"remux-retrier/consumer"
)

// Span returns for each partition where to start reading and where the partition ends. From
// is the offset of the first record with a timestamp not before since, or of the first
// record at all if since is zero. To is the last stable offset. From equals To if no record
// is that young.
//
// The brokers use the record time of the topic: the producer's, or their own with
// message.timestamp.type=LogAppendTime. partitions is how many partitions to ask for,
// starting at 0. If one of them is not answered, Span fails.
func (l *Client) Span(ctx context.Context, topic string, partitions int, since time.Time) ([]consumer.Interval, error) {
	all := make([]int, partitions)
	for p := range all {
		all[p] = p
	}
	from := int64(firstOffset)
	if !since.IsZero() && since.UnixMilli() > 0 { // negative numbers have special meanings in the protocol
		from = since.UnixMilli()
	}
	begins, err := l.listOffsets(ctx, topic, all, from, readCommitted)
	if err != nil {
		return nil, l.explainOffsets(topic, err)
	}
	ends, err := l.listOffsets(ctx, topic, all, lastOffset, readCommitted)
	if err != nil {
		return nil, l.explainOffsets(topic, err)
	}
	spans := make([]consumer.Interval, partitions)
	for p := range spans {
		begin, end := begins[p], ends[p]
		if begin < 0 || begin > end { // no record is that young, or it is not stable yet
			begin = end
		}
		spans[p] = consumer.Interval{From: begin, To: end}
	}
	return spans, nil
}
