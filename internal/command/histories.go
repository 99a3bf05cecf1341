package command

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
	"remux-retrier/events"
	"remux-retrier/internal/config"
	"remux-retrier/internal/history"
)

// reader returns a reader of the histories that this configuration's group has written.
func reader(cfg config.Config, kafka *kafkalog.Client, change func(*history.Config)) (*history.Reader, error) {
	k := cfg.Kafka
	c := history.Config{
		Kafka: kafka, Failed: k.TopicFailed, Retried: k.TopicRetried, RetryFailed: k.TopicRetryFailed, DeadLetter: k.TopicDeadLetter, Recovered: k.TopicRecovered,
		Positions: kafka.Positions, Origin: events.OriginOf(k.GroupID), Window: cfg.Retry.BudgetWindow, Now: time.Now, Refused: kafkalog.NeedsOperator,
	}
	if change != nil {
		change(&c)
	}
	return history.New(c)
}

// because returns an error's text without the words about failure events, which do not
// fit an argument.
func because(err error) string {
	var u *events.Unreadable
	if errors.As(err, &u) {
		return u.Message
	}
	return err.Error()
}

// reachWithin bounds the wait for the first answer of a broker: a person waits.
const reachWithin = 5 * time.Second

// counter is the part of the Kafka client that reach needs.
type counter interface {
	Partitions(ctx context.Context, topic string) (int, error)
}

// reach checks that the brokers answer and the topics exist before a command begins. Its
// errors say what to do.
func reach(ctx context.Context, kafka counter, topics ...string) error {
	within, cancel := context.WithTimeout(ctx, reachWithin)
	defer cancel()
	for _, topic := range topics {
		_, err := kafka.Partitions(within, topic)
		var op *net.OpError
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case errors.Is(err, consumer.ErrUnknownTopic):
			return fmt.Errorf("topic %s does not exist: create it, or run the service once with KAFKA_CREATE_TOPICS=true (`remux-retrier check` tells more)", topic)
		case within.Err() != nil:
			return fmt.Errorf("no broker answers within %v: check KAFKA_BROKERS and the brokers' advertised.listeners (`remux-retrier check` tells more): %w", reachWithin, err)
		case errors.As(err, &op) && op.Op == "dial":
			return fmt.Errorf("no broker can be reached (`remux-retrier check` tells more): %w", err)
		default:
			return err
		}
	}
	return nil
}
