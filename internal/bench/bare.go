package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/segmentio/kafka-go"
)

// bareArg makes this program the bare loop; its settings are the service's own
// environment variables.
const bareArg = "bare-loop"

// bareLoop is what one would write in an afternoon: a loop for each partition
// that fetches, calls with so many in flight, publishes and commits. It loses
// and repeats events, decides nothing, and knows no outage. It is as fast as
// kafka-go allows.
type bareLoop struct {
	brokers, group  string
	topic, answered string
	url, token      string

	client *http.Client
	writer *kafka.Writer
	slots  chan struct{}
}

func runBare() error {
	inFlight, err := strconv.Atoi(os.Getenv("MPC_MAX_IN_FLIGHT"))
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	b := &bareLoop{
		brokers: os.Getenv("KAFKA_BROKERS"), group: os.Getenv("KAFKA_GROUP_ID"),
		topic: os.Getenv("KAFKA_TOPIC_FAILED"), answered: os.Getenv("KAFKA_TOPIC_RETRIED"),
		url:   os.Getenv("MPC_ENDPOINT") + "/v1/" + os.Getenv("MPC_PROJECT_ID") + "/remux",
		token: os.Getenv("MPC_AUTH_TOKEN"),
		client: &http.Client{
			Timeout:   10 * time.Second,
			Transport: &http.Transport{MaxIdleConns: inFlight, MaxIdleConnsPerHost: inFlight},
		},
		slots: make(chan struct{}, inFlight),
	}
	b.writer = &kafka.Writer{
		Addr: kafka.TCP(strings.Split(b.brokers, ",")...), Topic: b.answered,
		Balancer: kafka.Murmur2Balancer{Consistent: true}, RequiredAcks: kafka.RequireAll,
		BatchTimeout: time.Millisecond, BatchSize: 100,
	}
	defer b.writer.Close()
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: b.group, Brokers: strings.Split(b.brokers, ","), Topics: []string{b.topic},
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
		for _, p := range gen.Assignments[b.topic] {
			all.Go(func() {
				if err := b.partition(ctx, gen, p); err != nil && ctx.Err() == nil {
					fmt.Fprintln(os.Stderr, err)
				}
			})
		}
		all.Wait()
	}
	return nil
}

// partition fetches, and commits once a second what has been answered in order.
func (b *bareLoop) partition(ctx context.Context, gen *kafka.Generation, p kafka.PartitionAssignment) error {
	conn, err := kafka.DialLeader(ctx, "tcp", strings.Split(b.brokers, ",")[0], b.topic, p.ID)
	if err != nil {
		return err
	}
	defer conn.Close()
	offset := max(p.Offset, 0)
	if _, err := conn.Seek(offset, kafka.SeekAbsolute); err != nil {
		return err
	}
	committed := time.Now()
	for ctx.Err() == nil {
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		batch := conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: 1 << 20, MaxWait: 500 * time.Millisecond})
		var calls sync.WaitGroup
		for {
			m, err := batch.ReadMessage()
			if err != nil {
				break
			}
			offset = m.Offset + 1
			b.slots <- struct{}{}
			calls.Go(func() {
				err := b.answer(ctx, m.Value)
				if err != nil && ctx.Err() == nil {
					fmt.Fprintln(os.Stderr, err)
				}
			})
		}
		if err := batch.Close(); err != nil && !errors.Is(err, io.EOF) && ctx.Err() == nil {
			return err
		}
		calls.Wait()
		if time.Since(committed) > time.Second {
			committed = time.Now()
			if err := gen.CommitOffsets(map[string]map[int]int64{b.topic: {p.ID: offset}}); err != nil {
				return err
			}
		}
	}
	return nil
}

// answer calls and publishes.
func (b *bareLoop) answer(ctx context.Context, value []byte) error {
	release := sync.OnceFunc(func() { <-b.slots })
	defer release()
	var event struct {
		TaskID string `json:"task_id"`
	}
	if err := json.Unmarshal(value, &event); err != nil {
		return err
	}
	body, err := json.Marshal(event)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, b.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Auth-Token", b.token)
	res, err := b.client.Do(req)
	if err != nil {
		return err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the API answered %s", res.Status)
	}
	release()
	m := kafka.Message{Key: []byte(event.TaskID), Value: body}
	for err = b.writer.WriteMessages(ctx, m); err != nil && ctx.Err() == nil; {
		err = b.writer.WriteMessages(ctx, m) // a new topic has no leader at first
	}
	return err
}
