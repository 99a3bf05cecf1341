package kafkalog_test

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/consumer/kafkalog"
)

func TestTheOwnerOfAPartitionIsNamed(t *testing.T) {
	owner(t, fakeKafka(t).ListenAddrs())
}

func owner(t *testing.T, brokers []string) {
	ctx := soon(t)
	asks, owns := member(t, brokers, named("pod-0")), member(t, brokers, named("pod-1"))
	if name, err := asks.Owner(ctx, 0); name != "" {
		t.Errorf("%q owns a partition of a group that does not exist, %v", name, err)
	}
	for _, partition := range join(t, owns).Assigned() {
		if name, err := asks.Owner(ctx, partition); name != "pod-1" || err != nil {
			t.Errorf("partition %d: %q, %v", partition, name, err)
		}
	}
	if name, err := asks.Owner(ctx, 99); name != "" || err != nil {
		t.Errorf("%q owns what does not exist, %v", name, err)
	}
}

// Java's and other consumers use a newer version of the member metadata than kafka-go
// reads.
func TestTheOwnerMayBeOfAnotherMake(t *testing.T) {
	ownerOfAnotherMake(t, fakeKafka(t).ListenAddrs())
}

func ownerOfAnotherMake(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	l := member(t, brokers, append(change, func(cfg *kafkalog.Config) { cfg.ClientID = "other make" })...)
	cl := other(t, brokers, kgo.ClientID("other make"), kgo.ConsumerGroup(l.cfg.GroupID), kgo.ConsumeTopics(l.cfg.Topic))
	go cl.PollFetches(soon(t))
	until(t, "it owns a partition", func() bool {
		name, err := l.Owner(soon(t), 0)
		if err != nil {
			t.Log(err) // the coordinator may not be ready yet
		}
		return err == nil && name == "other make"
	})
	if n, err := l.Evict(soon(t)); n != 1 || err != nil {
		t.Errorf("%d members of that name are evicted, %v; want one", n, err)
	}
}
