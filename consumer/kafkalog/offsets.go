package kafkalog

import (
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/listoffsets"
)

const (
	readUncommitted = 0
	// readCommitted hides the effects of open and aborted transactions: the broker answers
	// up to the last stable offset and lists the aborted transactions (KIP-98), which the
	// page decoder skips.
	readCommitted = 1
)

// Special timestamps of ListOffsets.
const (
	lastOffset  = -1
	firstOffset = -2
)

// Bounds asks the partition's leader. next is the end of all records, including those of
// open transactions.
func (l *Client) Bounds(ctx context.Context, topic string, partition int) (first, next int64, err error) {
	begins, err := l.listOffsets(ctx, topic, []int{partition}, firstOffset, readUncommitted)
	if err != nil {
		return 0, 0, l.explainOffsets(topic, err)
	}
	ends, err := l.Ends(ctx, topic, []int{partition})
	return begins[0], ends[0], err
}

// Ends asks the partitions' leaders for the ends of all records, including those of open
// transactions.
func (l *Client) Ends(ctx context.Context, topic string, partitions []int) ([]int64, error) {
	ends, err := l.listOffsets(ctx, topic, partitions, lastOffset, readUncommitted)
	return ends, l.explainOffsets(topic, err)
}

func (l *Client) explainOffsets(topic string, err error) error {
	if err == nil {
		return nil
	}
	return l.explain("ask for offsets of topic "+topic, "DESCRIBE on topic "+topic, err)
}

// listOffsets returns an offset by time for each partition, with one request per leader. -1
// means that no record is that young or, with an error, that the partition's leader did not
// answer.
func (l *Client) listOffsets(ctx context.Context, topic string, partitions []int, time int64, isolation int8) ([]int64, error) {
	var mu sync.Mutex // of offsets and first
	offsets := slices.Repeat([]int64{-1}, len(partitions))
	var first error
	fail := func(err error) {
		if first == nil {
			first = err
		}
	}
	leaders := map[int32][]listoffsets.RequestPartition{}
	index := make(map[int32]int, len(partitions))
	for i, p := range partitions {
		leader, err := l.leader(ctx, topic, p)
		if err != nil {
			fail(fmt.Errorf("partition %d: %w", p, err))
			continue
		}
		index[int32(p)] = i
		leaders[leader] = append(leaders[leader], listoffsets.RequestPartition{Partition: int32(p), CurrentLeaderEpoch: -1, Timestamp: time})
	}
	ask := func(leader int32, parts []listoffsets.RequestPartition) {
		m, err := l.broker(leader).fetches.short.send(ctx, requestTimeout, &listoffsets.Request{
			ReplicaID: -1, IsolationLevel: isolation, Topics: []listoffsets.RequestTopic{{Topic: topic, Partitions: parts}},
		})
		mu.Lock()
		defer mu.Unlock()
		if err != nil {
			fail(err)
			return
		}
		answered := map[int32]bool{}
		for _, t := range m.(*listoffsets.Response).Topics {
			for _, p := range t.Partitions {
				i, asked := index[p.Partition]
				if t.Topic != topic || !asked {
					continue
				}
				answered[p.Partition] = true
				if p.ErrorCode != 0 {
					fail(fmt.Errorf("partition %d: %w", p.Partition, kafka.Error(p.ErrorCode)))
					continue
				}
				offsets[i] = p.Offset
			}
		}
		if len(answered) != len(parts) {
			fail(fmt.Errorf("the broker answered for %d of %d partitions", len(answered), len(parts)))
		}
	}
	var asking sync.WaitGroup
	for leader, parts := range leaders {
		asking.Go(func() { ask(leader, parts) })
	}
	asking.Wait()
	return offsets, first
}
