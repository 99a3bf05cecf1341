package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"
)

// runKafkaGo is one loop for each partition, as fast as kafka-go allows.
func (l *loop) runKafkaGo(ctx context.Context) error {
	writer := &kafka.Writer{
		Addr: kafka.TCP(l.brokers...), Topic: l.answered,
		Balancer: kafka.Murmur2Balancer{Consistent: true}, RequiredAcks: kafka.RequireAll,
		BatchTimeout: linger, BatchSize: 100,
	}
	defer writer.Close()
	l.publish = func(ctx context.Context, m kafka.Message) error {
		err := writer.WriteMessages(ctx, m)
		for err != nil && ctx.Err() == nil {
			err = writer.WriteMessages(ctx, m) // a new topic has no leader at first
		}
		return err
	}
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: l.group, Brokers: l.brokers, Topics: []string{l.topic},
		StartOffset: kafka.FirstOffset, HeartbeatInterval: time.Second,
	})
	if err != nil {
		return err
	}
	defer group.Close()
	for ctx.Err() == nil {
		gen, err := group.Next(ctx)
		if err != nil {
			continue
		}
		var all sync.WaitGroup
		for _, p := range gen.Assignments[l.topic] {
			all.Go(func() {
				if err := l.partition(ctx, gen, p); err != nil && ctx.Err() == nil {
					fmt.Fprintln(os.Stderr, "partition", p.ID, err)
					os.Exit(1) // a loop that does not read all partitions cannot be compared
				}
			})
		}
		all.Wait()
	}
	return nil
}

// partition fetches and answers events. Once a second it commits what has been published
// in order.
func (l *loop) partition(ctx context.Context, gen *kafka.Generation, p kafka.PartitionAssignment) error {
	conn, err := kafka.DialLeader(ctx, "tcp", l.brokers[0], l.topic, p.ID)
	if err != nil {
		return err
	}
	defer conn.Close()
	offset := max(p.Offset, 0)
	if _, err := conn.Seek(offset, kafka.SeekAbsolute); err != nil {
		return err
	}
	var published atomic.Int64 // all below it
	published.Store(offset)
	before := make(chan struct{}) // closed when all batches so far are published
	close(before)
	committed, at := offset, time.Now()
	for ctx.Err() == nil {
		_ = conn.SetDeadline(time.Now().Add(time.Minute)) // long enough for waits for a slot
		batch := conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 500 * time.Millisecond})
		var answers sync.WaitGroup
		for {
			m, err := batch.ReadMessage()
			if err != nil {
				break
			}
			m.Topic, m.Partition = l.topic, p.ID
			offset = m.Offset + 1
			l.slots <- struct{}{}
			answers.Go(func() { l.answer(ctx, m) })
		}
		// An empty answer after MaxWait is kafka-go's RequestTimedOut.
		if err := batch.Close(); err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, kafka.RequestTimedOut) && ctx.Err() == nil {
			return err
		}
		done, earlier, end := make(chan struct{}), before, offset
		go func() {
			answers.Wait()
			<-earlier
			published.Store(end)
			close(done)
		}()
		before = done
		if now := published.Load(); now > committed && time.Since(at) > time.Second {
			committed, at = now, time.Now()
			if err := gen.CommitOffsets(map[string]map[int]int64{l.topic: {p.ID: now}}); err != nil {
				return err
			}
		}
	}
	<-before
	return nil
}
