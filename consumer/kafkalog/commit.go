package kafkalog

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/findcoordinator"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"

	"remux-retrier/consumer"
)

// maxMetadata is below the broker's default limit of 4,096 bytes
// (offset.metadata.max.bytes). It must be checked here: a text of 32,768 bytes or more
// overflows the protocol's length field, and the broker stores nothing but reports success.
const maxMetadata = 4000

// Committed asks the group's coordinator; nothing is cached.
func (g *generation) Committed(ctx context.Context) (map[int]consumer.Position, error) {
	l := g.client
	of, err := l.Partitions(ctx, l.cfg.Topic)
	if err != nil {
		return nil, err
	}
	for _, p := range g.assigned {
		of = max(of, p+1) // the group's leader may know of partitions before we do
	}
	all := make([]int, of)
	for i := range all {
		all[i] = i
	}
	doing := fmt.Sprintf("read the committed offsets of group %s", l.cfg.GroupID)
	res, err := l.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{
		GroupID: l.cfg.GroupID,
		Topics:  map[string][]int{l.cfg.Topic: all},
	})
	if err == nil {
		err = res.Error
	}
	if err != nil {
		return nil, l.explain(doing, l.groupRight(), err)
	}
	positions := make(map[int]consumer.Position, of)
	answered := 0
	for _, p := range res.Topics[l.cfg.Topic] {
		if p.Error != nil {
			return nil, l.explain(fmt.Sprintf("%s, partition %d", doing, p.Partition), l.groupRight(), p.Error)
		}
		answered++
		if p.CommittedOffset >= 0 {
			positions[p.Partition] = consumer.Position{Offset: p.CommittedOffset, Metadata: p.Metadata}
		}
	}
	// A partition that is left out must not count as one without a position: it would be
	// read from its start.
	if answered != of {
		return nil, fmt.Errorf("%s: the broker answered for %d of %d partitions", doing, answered, of)
	}
	return positions, nil
}

// Commit finds the coordinator again after each failure, so that it survives a move of the
// coordinator during a drain. It waits for the answer until ctx ends, or without a deadline
// for the rebalance timeout. A commit that could not be sent, or that the broker rejects, is
// ErrCommitRefused. Without positions nothing is sent.
//
// The leader epoch is stored as unknown (-1, KIP-320). kafka-go's own commit stores 0;
// another client that takes over the group would conclude that the log was truncated, and
// read it again.
func (g *generation) Commit(ctx context.Context, positions map[int]consumer.Position) error {
	l := g.client
	doing := fmt.Sprintf("commit offsets of group %s", l.cfg.GroupID)
	if len(positions) == 0 {
		return nil
	}
	partitions := make([]offsetcommit.RequestPartition, 0, len(positions))
	for p, pos := range positions {
		// The broker would accept the commit of a partition that another member owns.
		if _, ok := slices.BinarySearch(g.assigned, p); !ok {
			return fmt.Errorf("%s: partition %d is not assigned: %w", doing, p, consumer.ErrNotOwner)
		}
		if len(pos.Metadata) > maxMetadata {
			return fmt.Errorf("%w: %s: partition %d: metadata of %d bytes, at most %d are stored", consumer.ErrCommitRefused, doing, p, len(pos.Metadata), maxMetadata)
		}
		partitions = append(partitions, offsetcommit.RequestPartition{
			PartitionIndex:       int32(p),
			CommittedOffset:      pos.Offset,
			CommittedLeaderEpoch: -1,
			CommittedMetadata:    pos.Metadata,
		})
	}
	m, sent, err := l.toCoordinator(ctx, &offsetcommit.Request{
		GroupID:         l.cfg.GroupID,
		GenerationID:    g.gen.ID,
		MemberID:        g.gen.MemberID,
		RetentionTimeMs: -1,
		Topics:          []offsetcommit.RequestTopic{{Name: l.cfg.Topic, Partitions: partitions}},
	})
	switch {
	case err != nil && sent:
		l.unanswered.Add(1)
		return l.explain(doing, l.groupRight(), err)
	case err != nil:
		return fmt.Errorf("%w: %w", consumer.ErrCommitRefused, l.explain(doing, l.groupRight(), err))
	}
	stored := 0
	for _, t := range m.(*offsetcommit.Response).Topics {
		for _, p := range t.Partitions {
			if p.ErrorCode != 0 {
				l.coordinator.Store(unknownBroker)
				err := l.explain(fmt.Sprintf("%s, partition %d", doing, p.PartitionIndex), l.groupRight(), kafka.Error(p.ErrorCode))
				return fmt.Errorf("%w: %w", consumer.ErrCommitRefused, err)
			}
			stored++
		}
	}
	if stored != len(positions) {
		l.unanswered.Add(1)
		return fmt.Errorf("%s: the broker answered for %d of %d partitions", doing, stored, len(positions))
	}
	return nil
}

// toCoordinator sends a request to the group's coordinator. It looks the coordinator up only
// for the first request and after one that failed.
func (l *Client) toCoordinator(ctx context.Context, req protocol.Message) (answer protocol.Message, sent bool, err error) {
	wait := l.cfg.RebalanceTimeout // after that the generation is over anyway
	if deadline, ok := ctx.Deadline(); ok {
		wait = time.Until(deadline)
	}
	coordinator := l.coordinator.Load()
	if coordinator == unknownBroker {
		if coordinator, err = l.findCoordinator(ctx, wait); err != nil {
			return nil, false, err
		}
		l.coordinator.Store(coordinator)
	}
	answer, sent, err = l.call(ctx, coordinator, wait, req)
	if err != nil {
		l.coordinator.Store(unknownBroker)
	}
	return answer, sent, err
}

func (l *Client) findCoordinator(ctx context.Context, wait time.Duration) (int32, error) {
	m, err := l.roundTrip(ctx, wait, &findcoordinator.Request{Key: l.cfg.GroupID})
	if err != nil {
		return unknownBroker, err
	}
	found := m.(*findcoordinator.Response)
	if found.ErrorCode != 0 {
		return unknownBroker, kafka.Error(found.ErrorCode)
	}
	return found.NodeID, nil
}
