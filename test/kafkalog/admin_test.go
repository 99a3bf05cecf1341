package kafkalog_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"remux-retrier/consumer/kafkalog"
)

func TestTopicsAreCreatedOnlyWhereMissing(t *testing.T) {
	createAndAsk(t, fakeKafka(t).ListenAddrs())
}

func createAndAsk(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	var there, missing string
	l := member(t, brokers, append(change, func(c *kafkalog.Config) {
		there, missing = c.Topic, c.Topic+"-new"
		c.Topics = append(c.Topics, missing)
	})...)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		defer cancel()
		admin := kadm.NewClient(other(t, brokers))
		if _, err := admin.DeleteTopics(ctx, missing); err != nil {
			t.Error(err)
		}
	})
	ctx := soon(t)
	got, err := l.Missing(ctx, []string{there, missing})
	if err != nil || !slices.Equal(got, []string{missing}) {
		t.Fatalf("missing %q, %v; want %q", got, err, missing)
	}
	specs := []kafkalog.TopicSpec{
		{Name: there, Partitions: 7},
		{Name: missing, Partitions: 3, Retention: 36 * time.Hour},
	}
	if err := l.Create(ctx, specs); err != nil {
		t.Fatal(err)
	}
	for topic, want := range map[string]int{there: 2, missing: 3} {
		// A busy broker learns of a new topic a little later.
		until(t, fmt.Sprintf("%s has %d partitions", topic, want), func() bool {
			n, err := l.Partitions(ctx, topic)
			return err == nil && n == want
		})
	}
	keepsWhatWasPromised(t, brokers, missing, "129600000")
	if n, known, err := l.MaxMessageBytes(ctx, missing); err != nil || !known || n < 1_000_000 {
		t.Errorf("max.message.bytes %d, known %v, %v", n, known, err)
	}
}

// keepsWhatWasPromised checks that the settings for retention are set on the topic itself,
// even if the brokers' defaults are the same. Other brokers have other defaults, and the
// service refuses a compacted outcome topic.
func keepsWhatWasPromised(t *testing.T, brokers []string, topic, millis string) {
	t.Helper()
	configs, err := kadm.NewClient(other(t, brokers)).DescribeTopicConfigs(soon(t), topic)
	if err != nil {
		t.Fatal(err)
	}
	own := map[string]string{}
	for _, c := range configs[0].Configs {
		if c.Source == kmsg.ConfigSourceDynamicTopicConfig {
			own[c.Key] = c.MaybeValue()
		}
	}
	for name, want := range map[string]string{"cleanup.policy": "delete", "retention.bytes": "-1", "retention.ms": millis} {
		if own[name] != want {
			t.Errorf("%s of the created topic is %q, want %s", name, own[name], want)
		}
	}
}
