package kafkalog

import (
	"testing"

	"github.com/segmentio/kafka-go"
)

// A leader that lost its membership and joins again is not the leader any more.
func TestAMemberThatJoinsIsNotTheLeaderUntilItAssigns(t *testing.T) {
	l := alone(t, []string{"127.0.0.1:1"})
	b := watchedBalancer{kafka.RangeGroupBalancer{}, l}
	b.AssignGroups(nil, []kafka.Partition{{Topic: consumed}, {Topic: consumed}, {Topic: consumed}, {Topic: "retried"}})
	if of := l.leading.Load(); of != 3 {
		t.Errorf("assigned %d partitions, want 3", of)
	}
	if _, err := b.UserData(); err != nil || l.leading.Load() != notLeading {
		t.Errorf("joins again, and still leads (%v)", err)
	}
}
