package kafkalog

import "testing"

func TestTheOwnerOfAPartitionIsNamed(t *testing.T) {
	owner(t, fakeKafka(t).ListenAddrs())
}

func owner(t *testing.T, brokers []string) {
	ctx := soon(t)
	asks, owns := member(t, brokers, named("pod-0")), member(t, brokers, named("pod-1"))
	asks.cfg.GroupID = owns.cfg.GroupID
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
