package kafkalog

import (
	"context"
	"errors"
	"slices"

	"github.com/segmentio/kafka-go"
)

// Evict makes the members of the group that have exactly this Log's ClientID
// leave it, and tells how many did. Call it before the first Join: those members
// are then this instance's earlier life, which the group would otherwise wait
// for until its session has timed out, or a living process that wrongly uses the
// same name. A group that is empty or unknown is no error.
//
// It needs what consuming needs, READ on the group.
func (l *Log) Evict(ctx context.Context) (int, error) {
	doing := "take the former place of client " + l.cfg.ClientID + " in group " + l.cfg.GroupID
	namesakes, err := l.namesakes(ctx)
	if err != nil {
		return 0, l.explain(doing, l.groupRight(), err)
	}
	evicted := 0
	for _, m := range namesakes {
		removed, err := l.remove(ctx, m.MemberID)
		if err != nil {
			return evicted, l.explain(doing, l.groupRight(), err)
		}
		if removed {
			evicted++
		}
	}
	return evicted, nil
}

// remove makes a member leave the group; false: it was no member any more. A
// JoinGroup of it that waits for the other members is answered at once.
func (l *Log) remove(ctx context.Context, memberID string) (bool, error) {
	res, err := l.client.LeaveGroup(ctx, &kafka.LeaveGroupRequest{
		GroupID: l.cfg.GroupID,
		Members: []kafka.LeaveGroupRequestMember{{ID: memberID}},
	})
	if err != nil {
		return false, err
	}
	// Only the member's own error counts: kafka-go mistakes the field of the
	// request's error for another.
	if err = res.Members[0].Error; errors.Is(err, kafka.UnknownMemberId) {
		return false, nil
	}
	return err == nil, err
}

// Others lists the hosts of the group's members that have exactly this Log's
// ClientID and are not this Log, sorted. Which member this one is, is known only
// from its first generation on; until then there are no others.
func (l *Log) Others(ctx context.Context) ([]string, error) {
	l.mu.Lock()
	current := l.current
	l.mu.Unlock()
	if current == nil {
		return nil, nil
	}
	namesakes, err := l.namesakes(ctx)
	if err != nil {
		return nil, l.explain("look for other members of group "+l.cfg.GroupID, l.groupRight(), err)
	}
	var hosts []string
	for _, m := range namesakes {
		if m.MemberID != current.gen.MemberID {
			hosts = append(hosts, m.ClientHost)
		}
	}
	slices.Sort(hosts)
	return hosts, nil
}

// namesakes are the members that have our client id. Without a client id there
// are none: nameless members are not each other.
func (l *Log) namesakes(ctx context.Context) ([]kafka.DescribeGroupsResponseMember, error) {
	if l.cfg.ClientID == "" {
		return nil, nil
	}
	res, err := l.client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{l.cfg.GroupID}})
	if err != nil {
		return nil, err
	}
	var members []kafka.DescribeGroupsResponseMember
	for _, g := range res.Groups {
		switch {
		case errors.Is(g.Error, kafka.GroupIdNotFound): // brokers differ in whether they say so
		case g.Error != nil:
			return nil, g.Error
		}
		for _, m := range g.Members {
			if m.ClientID == l.cfg.ClientID {
				members = append(members, m)
			}
		}
	}
	return members, nil
}
