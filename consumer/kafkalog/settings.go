package kafkalog

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// Settings of topics.
const (
	maxMessageBytes = "max.message.bytes" // bounds a batch
	cleanupPolicy   = "cleanup.policy"
	retentionMS     = "retention.ms"
	retentionBytes  = "retention.bytes" // of a partition; -1: any size
)

// MaxMessageBytes returns a topic's max.message.bytes: the largest batch it accepts, in
// bytes as sent. The result is false if this client may not read it (DESCRIBE_CONFIGS on
// the topic).
func (l *Client) MaxMessageBytes(ctx context.Context, topic string) (int, bool, error) {
	settings, err := l.Settings(ctx, topic, maxMessageBytes)
	if len(settings) == 0 || err != nil {
		return 0, false, err
	}
	n, err := strconv.Atoi(settings[maxMessageBytes])
	return n, err == nil, err
}

// TopicPolicy returns a topic's cleanup.policy ("delete", "compact" or "delete,compact")
// and retention.ms; 0 means records are kept for ever. The result is false if this client
// may not read them (DESCRIBE_CONFIGS on the topic).
func (l *Client) TopicPolicy(ctx context.Context, topic string) (policy string, retention time.Duration, known bool, err error) {
	settings, err := l.Settings(ctx, topic, cleanupPolicy, retentionMS)
	if len(settings) == 0 || err != nil {
		return "", 0, false, err
	}
	millis, err := strconv.ParseInt(settings[retentionMS], 10, 64)
	if err != nil {
		return "", 0, false, fmt.Errorf("%s of topic %s: %w", retentionMS, topic, err)
	}
	if millis < 0 || millis > math.MaxInt64/int64(time.Millisecond) {
		millis = 0 // -1, or centuries
	}
	return settings[cleanupPolicy], time.Duration(millis) * time.Millisecond, true, nil
}

// Settings returns a topic's settings by name, or nil if this client may not read them
// (DESCRIBE_CONFIGS on the topic).
func (l *Client) Settings(ctx context.Context, topic string, names ...string) (map[string]string, error) {
	doing := fmt.Sprintf("read %v of topic %s", names, topic)
	right := "DESCRIBE_CONFIGS on topic " + topic
	res, err := l.client.DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{
			ResourceType: kafka.ResourceTypeTopic,
			ResourceName: topic,
			ConfigNames:  names,
		}},
	})
	if err != nil {
		return nil, l.explain(doing, right, err)
	}
	settings := map[string]string{}
	for _, r := range res.Resources {
		if errors.Is(r.Error, kafka.TopicAuthorizationFailed) {
			return nil, nil
		}
		if r.Error != nil {
			return nil, l.explain(doing, right, r.Error)
		}
		for _, c := range r.ConfigEntries {
			settings[c.ConfigName] = c.ConfigValue
		}
	}
	for _, name := range names {
		if _, ok := settings[name]; !ok {
			return nil, fmt.Errorf("%s: the broker did not answer for %s", doing, name)
		}
	}
	return settings, nil
}
