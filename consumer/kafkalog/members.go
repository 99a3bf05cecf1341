package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/describegroups"
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
func (l *Log) namesakes(ctx context.Context) ([]describegroups.ResponseGroupMember, error) {
	if l.cfg.ClientID == "" {
		return nil, nil
	}
	members, err := l.members(ctx)
	return slices.DeleteFunc(members, func(m describegroups.ResponseGroupMember) bool { return m.ClientID != l.cfg.ClientID }), err
}

// members are all of the group. kafka-go's own request fails where a member joined
// with metadata of a newer version, as Java's do.
func (l *Log) members(ctx context.Context) ([]describegroups.ResponseGroupMember, error) {
	g, err := l.describeGroup(ctx, false)
	if errors.Is(err, kafka.GroupIdNotFound) { // brokers differ in whether they say so
		return nil, nil
	}
	return g.Members, err
}

func (l *Log) describeGroup(ctx context.Context, rights bool) (g describegroups.ResponseGroup, err error) {
	m, err := l.roundTrip(ctx, requestTimeout, &describegroups.Request{Groups: []string{l.cfg.GroupID}, IncludeAuthorizedOperations: rights})
	if err != nil {
		return g, err
	}
	groups := m.(*describegroups.Response).Groups
	if len(groups) != 1 {
		return g, fmt.Errorf("the broker answered for %d groups", len(groups))
	}
	if code := groups[0].ErrorCode; code != 0 {
		return groups[0], kafka.Error(code)
	}
	return groups[0], nil
}
