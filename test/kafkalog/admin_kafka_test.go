//go:build kafka

package kafkalog_test

import (
	"context"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"
)

// With such defaults the service would refuse the outcome topic that it has created, or
// outcomes would be deleted too early.
func TestKafkaThatCompactsByDefaultGetsTopicsThatDoNot(t *testing.T) {
	c := shared(t)
	c.NeedOwn(t) // it changes the brokers' defaults
	admin := kadm.NewClient(other(t, c.Addrs()))
	compact, few := "compact", "1000000"
	set := func(ctx context.Context, op kadm.IncrementalOp) {
		if _, err := admin.AlterBrokerConfigs(ctx, []kadm.AlterConfig{
			{Op: op, Name: "log.cleanup.policy", Value: &compact},
			{Op: op, Name: "log.retention.bytes", Value: &few},
		}); err != nil {
			t.Error(err)
		}
	}
	set(soon(t), kadm.SetConfig)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		defer cancel()
		set(ctx, kadm.DeleteConfig)
	})
	createAndAsk(t, c.Addrs(), own(t, c, nil))
}
