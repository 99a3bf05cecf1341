package command

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/plain"
)

const (
	// readWithin bounds the reading of one task's outcomes, of which a topic may have
	// very many. Brokers that do not answer end it sooner.
	readWithin = 40 * time.Second
	// writeWithin bounds the writing of one event.
	writeWithin = 10 * time.Second
)

// askAll publishes an event for one task after the other, as many and as fast as the
// options allow, and returns the exit code. It stops at an interrupt and at the first error
// of Kafka, which each further task would wait for again, and prints the tasks that are
// left.
func askAll(ctx context.Context, env Env, ids []string, o retryOptions, show *progress, ask func(context.Context, string) (place string, err error)) int {
	code, asked := exitDone, 0
	defer show.end()
	for i, id := range ids {
		if o.limit > 0 && asked == o.limit {
			show.clear()
			fmt.Fprintf(env.Stderr, "stopped at --limit; not looked at: %d\n", len(ids)-i)
			return code
		}
		place, err := "", context.Cause(ctx)
		if err == nil && o.rate > 0 && !o.dry && asked > 0 {
			err = clock.System.Sleep(ctx, time.Duration(float64(time.Second)/o.rate))
		}
		if err == nil {
			place, err = ask(ctx, id)
		}
		show.clear()
		switch {
		case err == nil:
			asked++
			fmt.Fprintf(env.Stdout, "%s\t%s\n", shown(id), place)
		case errors.As(err, new(unsure)):
			asked++
			fmt.Fprintf(env.Stderr, "%s: %v\n", shown(id), err)
			code = exitFailed
			if left := ids[i+1:]; len(left) > 0 && ctx.Err() == nil {
				fmt.Fprintln(env.Stderr, "stopped; not asked for: "+someOf(left))
				return exitFailed
			}
		case ctx.Err() != nil:
			fmt.Fprintln(env.Stderr, "interrupted; not asked for: "+someOf(ids[i:]))
			return exitFailed
		case errors.As(err, new(kafkaError)):
			fmt.Fprintf(env.Stderr, "stopped: %v; not asked for: %s\n", err, someOf(ids[i:]))
			return exitFailed
		default:
			fmt.Fprintf(env.Stderr, "%s: not asked for: %s\n", shown(id), because(err))
			code = exitFailed
		}
		if len(ids) > oneByOne {
			show.set(int64(i+1), int64(len(ids)), fmt.Sprintf("%d of %d tasks, %d asked for", i+1, len(ids), asked))
		}
	}
	return code
}

// oneByOne is up to how many tasks the budgets are read task by task, and no progress is
// shown.
const oneByOne = 10

// someOf returns the first ids, and how many more there are.
func someOf(ids []string) string {
	const most = 20
	var named []string
	for _, id := range ids[:min(most, len(ids))] {
		named = append(named, shown(id))
	}
	text := strings.Join(named, " ")
	if rest := len(ids) - most; rest > 0 {
		text += fmt.Sprintf(" and %d more", rest)
	}
	return text
}

// unsure is an error of Kafka after which an event may have been written or not.
type unsure struct{ error }

// kafkaError is an error of Kafka before anything was written.
type kafkaError struct{ error }

func (e kafkaError) Unwrap() error { return e.error }

// shown returns an argument in a form that is safe to print.
func shown(id string) string {
	const most = 128
	if len(id) > most {
		return fmt.Sprintf("%q… (%d bytes)", id[:most/4], len(id))
	}
	return plain.Text(id)
}

// ask publishes a failure event and returns its place; in a dry run it only says that it
// would.
func (a *retryRun) ask(ctx context.Context, id string) (place string, err error) {
	m, err := events.NewFailure(id, "asked for with remux-retrier retry", a.force)
	if err != nil {
		return "", err
	}
	if err := a.checkBudget(ctx, id); err != nil {
		return "", err
	}
	if a.dry {
		return "would be asked for", nil
	}
	return publish(ctx, a.kafka, a.cfg.Kafka.TopicFailed, m)
}

// topicWriter is the part of the Kafka client that publish needs.
type topicWriter interface {
	PartitionFor(ctx context.Context, topic string, key []byte) (int, error)
	Produce(ctx context.Context, topic string, partition int, messages []consumer.Message) (int64, error)
}

// publish writes a failure event to its key's partition, and returns its place when all
// in-sync replicas have it. The error is a kafkaError, or unsure.
func publish(ctx context.Context, kafka topicWriter, topic string, m events.Message) (place string, err error) {
	ctx, cancel := context.WithTimeout(ctx, writeWithin)
	defer cancel()
	message := consumer.Message{Topic: topic, Key: m.Key, Value: m.Value, Headers: m.Headers}
	p, err := kafka.PartitionFor(ctx, topic, message.Key)
	if err != nil {
		return "", kafkaError{err}
	}
	offset, err := kafka.Produce(ctx, topic, p, []consumer.Message{message})
	if err != nil {
		return "", unsure{fmt.Errorf("it is not known whether its event was written (`remux-retrier explain` shows it): %w", err)}
	}
	return fmt.Sprintf("%s\tpartition %d\toffset %d", topic, p, offset), nil
}
