package main

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

// runFranzGo is one loop for all partitions. It uses franz-go's defaults, except for no
// compression and the same linger as the other contestants.
func (l *loop) runFranzGo(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(l.brokers...),
		kgo.ConsumerGroup(l.group), kgo.ConsumeTopics(l.topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.AutoCommitMarks(), kgo.AutoCommitInterval(time.Second),
		kgo.DefaultProduceTopic(l.answered), kgo.RequiredAcks(kgo.AllISRAcks()),
		kgo.ProducerLinger(linger), kgo.ProducerBatchCompression(kgo.NoCompression()))
	if err != nil {
		return err
	}
	defer client.Close()
	l.publish = func(ctx context.Context, m kafka.Message) error {
		r := &kgo.Record{Key: m.Key, Value: m.Value}
		for _, h := range m.Headers {
			r.Headers = append(r.Headers, kgo.RecordHeader(h))
		}
		return client.ProduceSync(ctx, r).FirstErr()
	}
	before := make(chan struct{}) // closed when the records of all polls so far are published
	close(before)
	for {
		fetches := client.PollFetches(ctx)
		if ctx.Err() != nil {
			<-before
			return nil
		}
		fetches.EachError(func(_ string, _ int32, err error) { fmt.Fprintln(os.Stderr, err) })
		var answers sync.WaitGroup
		fetches.EachRecord(func(r *kgo.Record) {
			l.slots <- struct{}{}
			answers.Go(func() {
				l.answer(ctx, kafka.Message{Topic: r.Topic, Partition: int(r.Partition), Offset: r.Offset, Time: r.Timestamp, Value: r.Value})
			})
		})
		done, earlier := make(chan struct{}), before
		go func() {
			answers.Wait()
			<-earlier
			client.MarkCommitRecords(fetches.Records()...)
			close(done)
		}()
		before = done
	}
}
