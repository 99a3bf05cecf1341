package kafkalog

import (
	"context"
	"time"

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
	fail := func(err error) ([]consumer.Interval, error) {
		return nil, l.explain("ask for the span of topic "+topic, "DESCRIBE on topic "+topic, err)
	}
	all := make([]int, partitions)
	for p := range all {
		all[p] = p
	}
	from := int64(firstOffset)
	if !since.IsZero() && since.UnixMilli() > 0 { // negative numbers mean other things to the protocol
		from = since.UnixMilli()
	}
	begins, err := l.listOffsets(ctx, topic, all, from, readCommitted)
	if err != nil {
		return fail(err)
	}
	ends, err := l.listOffsets(ctx, topic, all, lastOffset, readCommitted)
	if err != nil {
		return fail(err)
	}
	spans := make([]consumer.Interval, partitions)
	for p := range spans {
		begin, end := begins[p], ends[p]
		if begin < 0 || begin > end { // none is that young, or it is not stable yet
			begin = end
		}
		spans[p] = consumer.Interval{From: begin, To: end}
	}
	return spans, nil
}
