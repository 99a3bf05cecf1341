package kafkalog

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol/metadata"

	"remux-retrier/consumer"
)

// Partitions returns the partition count of a configured topic. The answer is at most about
// two seconds old while the brokers answer, and the last known one while they do not.
func (l *Client) Partitions(ctx context.Context, topic string) (int, error) {
	t, err := l.lookUp(ctx, topic)
	if err != nil {
		return 0, l.explain("look up topic "+topic, "DESCRIBE on topic "+topic, err)
	}
	return len(t.Partitions), nil
}

// lookUp returns the transport's metadata of a topic, which has at least one partition.
func (l *Client) lookUp(ctx context.Context, topic string) (metadata.ResponseTopic, error) {
	m, err := l.roundTrip(ctx, requestTimeout, &metadata.Request{TopicNames: []string{topic}})
	if err != nil {
		return metadata.ResponseTopic{}, err
	}
	t := m.(*metadata.Response).Topics[0] // kafka-go answers for each requested name
	switch {
	case t.ErrorCode != 0:
		return t, kafka.Error(t.ErrorCode)
	case len(t.Partitions) == 0:
		return t, kafka.LeaderNotAvailable // it is being created
	}
	return t, nil
}

// Missing returns those of the topics that do not exist.
func (l *Client) Missing(ctx context.Context, topics []string) ([]string, error) {
	var missing []string
	for _, topic := range topics {
		switch _, err := l.Partitions(ctx, topic); {
		case errors.Is(err, consumer.ErrUnknownTopic):
			missing = append(missing, topic)
		case err != nil:
			return nil, err
		}
	}
	return missing, nil
}

// TopicSpec describes a topic to create, with the brokers' default replication factor. Its
// records are deleted only by age, whatever the brokers' defaults for cleanup.policy and
// retention.bytes: compaction or a size limit would delete records that must be kept for
// Retention.
type TopicSpec struct {
	Name       string
	Partitions int
	// Retention is how long records are kept. Defaults to the brokers' default.
	Retention time.Duration
	// MaxMessageBytes is the largest batch accepted. Defaults to the brokers' default.
	MaxMessageBytes int
}

// Create creates topics; all brokers know them a moment later. An existing topic is left
// unchanged.
func (l *Client) Create(ctx context.Context, specs []TopicSpec) error {
	topics := make([]kafka.TopicConfig, len(specs))
	for i, s := range specs {
		topics[i] = kafka.TopicConfig{Topic: s.Name, NumPartitions: s.Partitions, ReplicationFactor: -1, ConfigEntries: []kafka.ConfigEntry{
			{ConfigName: cleanupPolicy, ConfigValue: "delete"}, {ConfigName: retentionBytes, ConfigValue: "-1"},
		}}
		set := func(name string, value int64) {
			if value > 0 {
				topics[i].ConfigEntries = append(topics[i].ConfigEntries,
					kafka.ConfigEntry{ConfigName: name, ConfigValue: strconv.FormatInt(value, 10)})
			}
		}
		set(retentionMS, s.Retention.Milliseconds())
		set(maxMessageBytes, int64(s.MaxMessageBytes))
	}
	res, err := l.client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: topics})
	if err != nil {
		return l.explain("create topics", "CREATE on the cluster", err)
	}
	for _, s := range specs {
		if err := res.Errors[s.Name]; err != nil && !errors.Is(err, kafka.TopicAlreadyExists) {
			return l.explain("create topic "+s.Name, "CREATE on topic "+s.Name, err)
		}
	}
	return nil
}
