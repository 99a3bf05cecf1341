package kafkalog

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

func TestTopicsAreCreatedOnlyWhereMissing(t *testing.T) {
	createAndAsk(t, fakeKafka(t).ListenAddrs())
}

func createAndAsk(t *testing.T, brokers []string, change ...func(*Config)) {
	var there, missing string
	l := member(t, brokers, append(change, func(c *Config) {
		there, missing = c.Topic, c.Topic+"-new"
		c.Topics = append(c.Topics, missing)
	})...)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
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
	specs := []TopicSpec{
		{Name: there, Partitions: 7},
		{Name: missing, Partitions: 3, Retention: 36 * time.Hour},
	}
	if err := l.Create(ctx, specs); err != nil {
		t.Fatal(err)
	}
	for topic, want := range map[string]int{there: 2, missing: 3} {
		if n, err := l.Partitions(ctx, topic); err != nil || n != want {
			t.Errorf("%s has %d partitions, %v; want %d", topic, n, err, want)
		}
	}
	configs, err := kadm.NewClient(other(t, brokers)).DescribeTopicConfigs(ctx, missing)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range configs[0].Configs {
		if c.Key == "retention.ms" && c.MaybeValue() != "129600000" {
			t.Errorf("retention.ms=%s, want 36 hours", c.MaybeValue())
		}
	}
	if n, known, err := l.MaxMessageBytes(ctx, missing); err != nil || !known || n < 1_000_000 {
		t.Errorf("max.message.bytes %d, known %v, %v", n, known, err)
	}
}
