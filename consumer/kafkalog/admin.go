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

// Partitions counts the partitions of one of the configured topics. The answer
// is at most about two seconds old while the brokers answer, and the last known
// while they do not.
func (l *Log) Partitions(ctx context.Context, topic string) (int, error) {
	t, err := l.lookUp(ctx, topic)
	if err != nil {
		return 0, l.explain("look up topic "+topic, "DESCRIBE on topic "+topic, err)
	}
	return len(t.Partitions), nil
}

// lookUp gives what the transport knows of a topic; it has at least one
// partition.
func (l *Log) lookUp(ctx context.Context, topic string) (metadata.ResponseTopic, error) {
	m, err := l.roundTrip(ctx, requestTimeout, &metadata.Request{TopicNames: []string{topic}})
	if err != nil {
		return metadata.ResponseTopic{}, err
	}
	t := m.(*metadata.Response).Topics[0] // kafka-go answers for each name asked for
	switch {
	case t.ErrorCode != 0:
		return t, kafka.Error(t.ErrorCode)
	case len(t.Partitions) == 0:
		return t, kafka.LeaderNotAvailable // it is being created
	}
	return t, nil
}

// Missing names those of the topics that do not exist.
func (l *Log) Missing(ctx context.Context, topics []string) ([]string, error) {
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

// TopicSpec is a topic to be created, with the brokers' default replication
// factor. Its records go by their age alone, whatever the brokers' defaults of
// cleanup.policy and retention.bytes: compaction, or a limit of the size, would
// take from what has been promised to be kept for Retention.
type TopicSpec struct {
	Name       string
	Partitions int
	// Retention is how long records are kept. Defaults to the brokers' default.
	Retention time.Duration
	// MaxMessageBytes is the largest batch taken. Defaults to the brokers' default.
	MaxMessageBytes int
}

// Create makes topics; they are known everywhere a moment later. One that exists already
// is left as it is.
func (l *Log) Create(ctx context.Context, specs []TopicSpec) error {
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
