package kafkalog

import (
	"context"
	"fmt"
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

// partitionError is the error of one of several partitions.
type partitionError struct {
	partition int
	err       error
}

func (e *partitionError) Error() string { return fmt.Sprintf("partition %d: %v", e.partition, e.err) }
func (e *partitionError) Unwrap() error { return e.err }

// listOffsets returns an offset by time for each partition, with one request per leader. -1
// means that no record is that young.
func (l *Client) listOffsets(ctx context.Context, topic string, partitions []int, time int64, isolation int8) ([]int64, error) {
	leaders := map[int32][]listoffsets.RequestPartition{}
	index := make(map[int32]int, len(partitions))
	for i, p := range partitions {
		leader, err := l.leader(ctx, topic, p)
		if err != nil {
			return nil, &partitionError{p, err}
		}
		index[int32(p)] = i
		leaders[leader] = append(leaders[leader], listoffsets.RequestPartition{Partition: int32(p), CurrentLeaderEpoch: -1, Timestamp: time})
	}
	offsets := make([]int64, len(partitions))
	ask := func(leader int32, parts []listoffsets.RequestPartition) error {
		m, err := l.broker(leader).fetches.short.send(ctx, requestTimeout, &listoffsets.Request{
			ReplicaID: -1, IsolationLevel: isolation, Topics: []listoffsets.RequestTopic{{Topic: topic, Partitions: parts}},
		})
		if err != nil {
			return err
		}
		answered := map[int32]bool{}
		for _, t := range m.(*listoffsets.Response).Topics {
			for _, p := range t.Partitions {
				i, asked := index[p.Partition]
				switch {
				case t.Topic != topic || !asked:
					continue
				case p.ErrorCode != 0:
					return &partitionError{int(p.Partition), kafka.Error(p.ErrorCode)}
				}
				answered[p.Partition] = true
				offsets[i] = p.Offset
			}
		}
		if len(answered) != len(parts) {
			return fmt.Errorf("the broker answered for %d of %d partitions", len(answered), len(parts))
		}
		return nil
	}
	if len(leaders) == 1 {
		for leader, parts := range leaders {
			return offsets, ask(leader, parts)
		}
	}
	var asking sync.WaitGroup
	errs := make(chan error, len(leaders))
	for leader, parts := range leaders {
		asking.Go(func() { errs <- ask(leader, parts) })
	}
	asking.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return offsets, nil
}
