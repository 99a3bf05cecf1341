package kafkalog

import (
	"context"
	"slices"

	"github.com/segmentio/kafka-go/protocol"
	assignment "github.com/segmentio/kafka-go/protocol/consumer"
)

// Owner returns the client id of the member that a partition of the consumed topic is
// assigned to. Empty: no member, or the group is rebalancing. It needs DESCRIBE on the
// group, as consuming does.
func (l *Client) Owner(ctx context.Context, partition int) (string, error) {
	members, err := l.members(ctx)
	if err != nil {
		return "", l.explain("ask who owns the partitions of group "+l.cfg.GroupID, "DESCRIBE on group "+l.cfg.GroupID, err)
	}
	for _, m := range members {
		var assigned assignment.Assignment
		if len(m.MemberAssignment) == 0 || protocol.Unmarshal(m.MemberAssignment, assignment.MaxVersionSupported, &assigned) != nil {
			continue
		}
		for _, t := range assigned.AssignedPartitions {
			if t.Topic == l.cfg.Topic && slices.Contains(t.Partitions, int32(partition)) {
				return m.ClientID, nil
			}
		}
	}
	return "", nil
}
