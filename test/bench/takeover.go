package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/ledger"
)

// partitions is the number of partitions in takeOver.
const partitions = 8

// takeOver measures what it costs a member to read the ledger when it is assigned
// partitions: at its start, when all outcomes are new to it, and in a rebalance, when it
// has already read them and gets one more partition or keeps some of its own. All
// outcomes are younger than ten minutes, the least that is always read back.
func (k *cluster) takeOver(ctx context.Context, outcomes int) error {
	t, err := k.newTopics(ctx, partitions)
	if err != nil {
		return err
	}
	origin := events.OriginOf(t.failed)
	for i := range outcomes {
		r, err := outcomeOf(t, origin, i)
		if err != nil {
			return err
		}
		k.client.Produce(ctx, r, nil)
	}
	if err := k.client.Flush(ctx); err != nil {
		return err
	}
	client, err := kafkalog.New(kafkalog.Config{
		Brokers: strings.Split(k.brokers, ","), GroupID: t.failed, Topic: t.failed, Topics: []string{t.retried, t.retryFailed},
	})
	if err != nil {
		return err
	}
	defer client.Close()
	silent := logrus.New()
	silent.SetOutput(io.Discard)
	l, err := ledger.New(ledger.Config{
		Client: client, OutcomeTopics: []string{t.retried, t.retryFailed}, FailedTopic: t.failed, Origin: origin, Window: 24 * time.Hour,
		Clock: clock.System, Rand: rand.Float64, Logger: silent,
	})
	if err != nil {
		return err
	}
	fmt.Printf("\nReading %d outcomes back, of %d partitions.\n\n%-36s | %8s | %s\n", outcomes, partitions, "", "seconds", "CPU seconds")
	for _, c := range []struct {
		when  string
		given []int
	}{{"at a start", []int{0, 1, 2}}, {"given one partition more", []int{0, 1, 2, 3}}, {"keeping some of its partitions", []int{0, 1}}} {
		began, used := time.Now(), cpuTime()
		if err := l.CatchUp(ctx, consumer.Assignment{Partitions: c.given, TopicPartitions: partitions, Since: began}); err != nil {
			return err
		}
		fmt.Printf("%-36s | %8.2f | %8.2f\n", c.when, time.Since(began).Seconds(), (cpuTime() - used).Seconds())
	}
	if got := l.Status().Decisions; got != outcomes {
		return fmt.Errorf("the ledger has read %d of %d outcomes", got, outcomes)
	}
	return nil
}

// outcomeOf returns the ith outcome, an accepted retry. Each has its own task.
func outcomeOf(t topics, origin string, i int) (*kgo.Record, error) {
	now, partition, offset := time.Now(), i%partitions, int64(i/partitions)
	m, err := events.Outcome{
		Reason: events.Accepted, Attempts: 1, Origin: origin, DecidedAt: now,
		Source:  events.Source{Topic: t.failed, Partition: partition, Offset: offset, Time: now},
		Failure: events.Failure{TaskID: strconv.Itoa(538_000_000 + i), ErrorCode: "MPC.10105"},
		Covers:  []events.Cover{{Partition: partition, End: offset + 1, LogID: now.UnixMilli()}},
	}.Encode()
	if err != nil {
		return nil, err
	}
	r := &kgo.Record{Topic: t.retried, Key: m.Key, Value: m.Value}
	for _, h := range m.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader(h))
	}
	return r, nil
}
