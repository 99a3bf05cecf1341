package kafkalog

import (
	"context"
	"slices"
	"strings"

	"github.com/segmentio/kafka-go/protocol"
	assignment "github.com/segmentio/kafka-go/protocol/consumer"
)

// Member is a member of the group, and its partitions of the consumed topic.
type Member struct {
	ClientID   string
	Partitions []int
}

// Members returns the group's members, sorted by client id. It needs DESCRIBE on the
// group, as consuming does.
func (l *Client) Members(ctx context.Context) ([]Member, error) {
	members, err := l.members(ctx)
	if err != nil {
		return nil, l.explain("ask who owns the partitions of group "+l.cfg.GroupID, "DESCRIBE on group "+l.cfg.GroupID, err)
	}
	all := make([]Member, 0, len(members))
	for _, m := range members {
		member := Member{ClientID: m.ClientID, Partitions: []int{}}
		var assigned assignment.Assignment
		if len(m.MemberAssignment) > 0 && protocol.Unmarshal(m.MemberAssignment, assignment.MaxVersionSupported, &assigned) == nil {
			for _, t := range assigned.AssignedPartitions {
				for _, p := range t.Partitions {
					if t.Topic == l.cfg.Topic {
						member.Partitions = append(member.Partitions, int(p))
					}
				}
			}
		}
		slices.Sort(member.Partitions)
		all = append(all, member)
	}
	slices.SortFunc(all, func(a, b Member) int { return strings.Compare(a.ClientID, b.ClientID) })
	return all, nil
}

// Owner returns the client id of the member that is assigned a partition of the consumed
// topic. It is empty if no member is, or while the group rebalances.
func (l *Client) Owner(ctx context.Context, partition int) (string, error) {
	members, err := l.Members(ctx)
	if err != nil {
		return "", err
	}
	for _, m := range members {
		if slices.Contains(m.Partitions, partition) {
			return m.ClientID, nil
		}
	}
	return "", nil
}
