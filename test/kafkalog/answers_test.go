package kafkalog_test

import (
	"errors"
	"testing"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"remux-retrier/consumer"
)

func keys(k ...kmsg.Key) []kmsg.Key { return k }

func TestBrokersAnswersMeanWhatTheConsumerKnows(t *testing.T) {
	var passing error // any error that the consumer does not know
	table := []struct {
		key  kmsg.Key
		code *kerr.Error
		want error
	}{
		{kmsg.OffsetCommit, kerr.IllegalGeneration, consumer.ErrNotOwner},
		{kmsg.OffsetCommit, kerr.UnknownMemberID, consumer.ErrNotOwner},
		{kmsg.OffsetCommit, kerr.RebalanceInProgress, consumer.ErrNotOwner},
		{kmsg.OffsetCommit, kerr.FencedInstanceID, consumer.ErrNotOwner},
		{kmsg.OffsetCommit, kerr.UnknownTopicOrPartition, consumer.ErrUnknownTopic},
		{kmsg.OffsetCommit, kerr.NotCoordinator, passing},
		{kmsg.OffsetCommit, kerr.CoordinatorLoadInProgress, passing},
		{kmsg.OffsetCommit, kerr.CoordinatorNotAvailable, passing},
		{kmsg.OffsetCommit, kerr.OffsetMetadataTooLarge, passing},
		{kmsg.OffsetFetch, kerr.NotCoordinator, passing},
		{kmsg.OffsetFetch, kerr.GroupAuthorizationFailed, passing},
		{kmsg.Fetch, kerr.OffsetOutOfRange, consumer.ErrOffsetOutOfRange},
		{kmsg.Fetch, kerr.UnknownTopicOrPartition, consumer.ErrUnknownTopic},
		{kmsg.Fetch, kerr.NotLeaderForPartition, passing},
		{kmsg.Fetch, kerr.TopicAuthorizationFailed, passing},
		{kmsg.ListOffsets, kerr.UnknownTopicOrPartition, consumer.ErrUnknownTopic},
		{kmsg.ListOffsets, kerr.LeaderNotAvailable, passing},
		{kmsg.Produce, kerr.MessageTooLarge, consumer.ErrTooLarge},
		{kmsg.Produce, kerr.RecordListTooLarge, consumer.ErrTooLarge},
		{kmsg.Produce, kerr.UnknownTopicOrPartition, consumer.ErrUnknownTopic},
		{kmsg.Produce, kerr.RequestTimedOut, passing},
		{kmsg.Produce, kerr.NotEnoughReplicas, passing},
		{kmsg.Produce, kerr.NotLeaderForPartition, passing},
	}
	meant := []error{consumer.ErrNotOwner, consumer.ErrUnknownTopic, consumer.ErrOffsetOutOfRange, consumer.ErrTooLarge}

	c := fakeKafka(t)
	ctx := soon(t)
	l := member(t, c.ListenAddrs())
	g := join(t, l)
	attempt := map[kmsg.Key]func() error{
		kmsg.OffsetCommit: func() error { return g.Commit(ctx, map[int]consumer.Position{0: {Offset: 1}, 1: {Offset: 2}}) },
		kmsg.OffsetFetch:  func() error { _, err := g.Committed(ctx); return err },
		kmsg.Fetch:        func() error { _, err := l.Fetch(ctx, consumed, 0, 0, 1<<20); return err },
		kmsg.ListOffsets:  func() error { _, _, err := l.Bounds(ctx, consumed, 0); return err },
		kmsg.Produce: func() error {
			_, err := l.Produce(ctx, consumed, 0, []consumer.Message{{Value: []byte("v")}})
			return err
		},
	}
	for _, row := range table {
		t.Run(row.key.Name()+" "+row.code.Message, func(t *testing.T) {
			fault := c.Fault(kfake.Fault{Keys: keys(row.key), Err: row.code, Count: -1})
			defer fault.Remove()
			err := attempt[row.key]()
			if err == nil {
				t.Fatal("success")
			}
			for _, m := range meant {
				if errors.Is(err, m) != errors.Is(m, row.want) {
					t.Errorf("%v: is %q: %v", err, m, errors.Is(err, m))
				}
			}
			fault.Remove()
			if err := attempt[row.key](); err != nil {
				t.Errorf("after the broker answers again: %v", err)
			}
		})
	}
}

func TestACommitRefusedForOnePartitionIsNoCommit(t *testing.T) {
	c := fakeKafka(t)
	g := join(t, member(t, c.ListenAddrs()))
	c.Fault(kfake.Fault{Keys: keys(kmsg.OffsetCommit), Partitions: []int32{1}, Err: kerr.CoordinatorNotAvailable})
	if err := g.Commit(soon(t), map[int]consumer.Position{0: {Offset: 1}, 1: {Offset: 2}}); err == nil {
		t.Error("success, though partition 1 was not stored")
	}
}

// A partition that is missing in the answer does not mean "no position": it would be read
// from its start.
func TestAnAnswerThatLeavesOutAPartitionIsNoAnswer(t *testing.T) {
	c := fakeKafka(t)
	g := join(t, member(t, c.ListenAddrs()))
	for _, key := range []kmsg.Key{kmsg.OffsetFetch, kmsg.OffsetCommit} {
		c.ControlKey(int16(key), func(r kmsg.Request) (kmsg.Response, error, bool) {
			return r.ResponseKind(), nil, true
		})
	}
	if got, err := g.Committed(soon(t)); err == nil {
		t.Errorf("committed: %v", got)
	}
	if err := g.Commit(soon(t), map[int]consumer.Position{0: {Offset: 1}}); err == nil {
		t.Error("the commit counts as stored")
	}
}
