package kafkalog

import (
	"context"
	"errors"
	"slices"

	"github.com/segmentio/kafka-go"
)

// Owner names the client id of the group's member that was assigned a partition
// of the consumed topic; empty: nobody was, or the group shares out anew. It
// needs DESCRIBE on the group, which consuming needs too.
func (l *Log) Owner(ctx context.Context, partition int) (string, error) {
	res, err := l.client.DescribeGroups(ctx, &kafka.DescribeGroupsRequest{GroupIDs: []string{l.cfg.GroupID}})
	if err == nil && len(res.Groups) == 1 && !errors.Is(res.Groups[0].Error, kafka.GroupIdNotFound) {
		err = res.Groups[0].Error
	}
	if err != nil {
		return "", l.explain("ask who owns the partitions of group "+l.cfg.GroupID, "DESCRIBE on group "+l.cfg.GroupID, err)
	}
	for _, group := range res.Groups {
		for _, m := range group.Members {
			for _, t := range m.MemberAssignments.Topics {
				if t.Topic == l.cfg.Topic && slices.Contains(t.Partitions, partition) {
					return m.ClientID, nil
				}
			}
		}
	}
	return "", nil
}
