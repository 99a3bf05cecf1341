package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/describegroups"

	"remux-retrier/internal/clock"
)

// evictionNoticedAfter is how long a running member may take to notice that it was removed:
// its heartbeat, the next one if that is lost, and time for the answer.
const evictionNoticedAfter = 3 * heartbeatInterval

// Evict removes the members of the group that have exactly this Client's ClientID, and
// returns how many. Call it before the first Join: such a member is either this instance
// before its restart, for which the group would otherwise wait until the session timeout,
// or a running process that wrongly uses the same name. An empty or unknown group is no
// error.
//
// If it removed a member it returns evictionNoticedAfter later. Unlike in a rebalance the
// group does not wait for that member: until its next heartbeat a running one goes on to read
// and to call, and a successor that had joined by then would call for the same events. What
// it read meanwhile is below the partitions' ends when this Client joins, so it is in doubt.
//
// It needs READ on the group, as consuming does.
func (l *Client) Evict(ctx context.Context) (int, error) {
	doing := "remove the former member with client id " + l.cfg.ClientID + " in group " + l.cfg.GroupID
	namesakes, err := l.sameName(ctx)
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
	if evicted > 0 {
		err = clock.System.Sleep(ctx, evictionNoticedAfter)
	}
	return evicted, err
}

// remove removes a member from the group; false: it was not a member any more. A JoinGroup
// of that member which waits for others is answered at once.
func (l *Client) remove(ctx context.Context, memberID string) (bool, error) {
	res, err := l.client.LeaveGroup(ctx, &kafka.LeaveGroupRequest{
		GroupID: l.cfg.GroupID,
		Members: []kafka.LeaveGroupRequestMember{{ID: memberID}},
	})
	if err != nil {
		return false, err
	}
	// Only the member's own error counts: kafka-go confuses the field of the request's
	// error with another.
	if err = res.Members[0].Error; errors.Is(err, kafka.UnknownMemberId) {
		return false, nil
	}
	return err == nil, err
}

// SameNameHosts returns the hosts of the group's members that have exactly this Client's
// ClientID and are not this Client, sorted. A Client knows which member it is only from its
// first generation on; until then the result is empty.
func (l *Client) SameNameHosts(ctx context.Context) ([]string, error) {
	l.mu.Lock()
	current := l.current
	l.mu.Unlock()
	if current == nil {
		return nil, nil
	}
	namesakes, err := l.sameName(ctx)
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

// sameName returns the members with our client id. Without a client id it returns none.
func (l *Client) sameName(ctx context.Context) ([]describegroups.ResponseGroupMember, error) {
	if l.cfg.ClientID == "" {
		return nil, nil
	}
	members, err := l.members(ctx)
	return slices.DeleteFunc(members, func(m describegroups.ResponseGroupMember) bool { return m.ClientID != l.cfg.ClientID }), err
}

// members returns all members of the group. kafka-go's own request fails if a member joined
// with metadata of a newer version, as Java clients do.
func (l *Client) members(ctx context.Context) ([]describegroups.ResponseGroupMember, error) {
	g, err := l.describeGroup(ctx, false)
	if errors.Is(err, kafka.GroupIdNotFound) { // brokers differ in whether they report it
		return nil, nil
	}
	return g.Members, err
}

func (l *Client) describeGroup(ctx context.Context, rights bool) (g describegroups.ResponseGroup, err error) {
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
