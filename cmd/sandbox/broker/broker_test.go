package broker_test

import (
	"bytes"
	"context"
	"errors"
	"net"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
	"github.com/segmentio/kafka-go/protocol/offsetcommit"

	"remux-retrier/cmd/sandbox/broker"
	"remux-retrier/internal/goroutines"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

func start(t *testing.T, cfg broker.Config) *broker.Broker {
	t.Helper()
	b, err := broker.Start(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// What the service does with a broker: join, fetch, commit with metadata.
func TestKafkaGoGroupJoinsFetchesAndCommitsWithMetadata(t *testing.T) {
	const topic, group, metadata = "remux.failed", "remux-retrier", "called=7"
	b := start(t, broker.Config{Topics: map[string]int{topic: 2}})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	addr := kafka.TCP(b.Addrs()...)
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()

	writer := &kafka.Writer{Addr: addr, Topic: topic, RequiredAcks: kafka.RequireAll, BatchTimeout: time.Millisecond, Transport: transport,
		Balancer: kafka.BalancerFunc(func(kafka.Message, ...int) int { return 1 })}
	if err := writer.WriteMessages(ctx, kafka.Message{Key: []byte("k"), Value: []byte("v0")}, kafka.Message{Value: []byte("v1")}); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}

	members, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{ID: group, Brokers: b.Addrs(), Topics: []string{topic}, StartOffset: kafka.FirstOffset})
	if err != nil {
		t.Fatal(err)
	}
	generation, err := members.Next(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(generation.Assignments[topic]); n != 2 {
		t.Fatalf("assigned %d partitions, want 2", n)
	}

	if got := fetchValues(ctx, t, transport, addr, topic, 1); len(got) != 2 || got[0] != "v0" || got[1] != "v1" {
		t.Fatalf("fetched %q", got)
	}

	answer, err := transport.RoundTrip(ctx, addr, &offsetcommit.Request{
		GroupID: group, GenerationID: generation.ID, MemberID: generation.MemberID, RetentionTimeMs: -1,
		Topics: []offsetcommit.RequestTopic{{Name: topic, Partitions: []offsetcommit.RequestPartition{
			{PartitionIndex: 1, CommittedOffset: 2, CommittedLeaderEpoch: -1, CommittedMetadata: metadata},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if code := answer.(*offsetcommit.Response).Topics[0].Partitions[0].ErrorCode; code != 0 {
		t.Fatalf("commit: %v", kafka.Error(code))
	}
	client := &kafka.Client{Addr: addr, Transport: transport}
	stored, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: {1}}})
	if err != nil {
		t.Fatal(err)
	}
	if got := stored.Topics[topic][0]; got.CommittedOffset != 2 || got.Metadata != metadata {
		t.Fatalf("stored %d %q", got.CommittedOffset, got.Metadata)
	}
	if err := members.Close(); err != nil {
		t.Fatal(err)
	}
}

func fetchValues(ctx context.Context, t *testing.T, transport *kafka.Transport, addr net.Addr, topic string, partition int32) []string {
	t.Helper()
	answer, err := transport.RoundTrip(ctx, addr, &fetch.Request{
		ReplicaID: -1, MaxWaitTime: 100, MinBytes: 1, MaxBytes: 1 << 20, IsolationLevel: 1, SessionID: -1, SessionEpoch: -1,
		Topics: []fetch.RequestTopic{{Topic: topic, Partitions: []fetch.RequestPartition{
			{Partition: partition, CurrentLeaderEpoch: -1, LogStartOffset: -1, PartitionMaxBytes: 1 << 20},
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
	page := answer.(*fetch.Response).Topics[0].Partitions[0]
	if page.ErrorCode != 0 {
		t.Fatalf("fetch: %v", kafka.Error(page.ErrorCode))
	}
	var values []string
	for _, batch := range page.RecordSet.Records.(*protocol.RecordStream).Records {
		for {
			record, err := batch.ReadRecord()
			if err != nil {
				break
			}
			var value bytes.Buffer
			if _, err := value.ReadFrom(record.Value); err != nil {
				t.Fatal(err)
			}
			values = append(values, value.String())
		}
	}
	return values
}

func TestTopicsExistAsConfiguredAndNoOthers(t *testing.T) {
	b := start(t, broker.Config{Topics: map[string]int{"a": 1, "b": 5}})
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(b.Addrs()...), Transport: transport}
	metadata, err := client.Metadata(t.Context(), &kafka.MetadataRequest{Topics: []string{"a", "b", "c"}})
	if err != nil {
		t.Fatal(err)
	}
	partitions := make(map[string]int)
	for _, topic := range metadata.Topics {
		if topic.Error == nil {
			partitions[topic.Name] = len(topic.Partitions)
		} else if !errors.Is(topic.Error, kafka.UnknownTopicOrPartition) {
			t.Errorf("%s: %v", topic.Name, topic.Error)
		}
	}
	if len(partitions) != 2 || partitions["a"] != 1 || partitions["b"] != 5 {
		t.Fatalf("topics: %v", partitions)
	}
}

func TestShortSessionsNeedTheirOption(t *testing.T) {
	for minimum, want := range map[time.Duration]error{0: kafka.InvalidSessionTimeout, time.Second: nil} {
		b := start(t, broker.Config{Topics: map[string]int{"a": 1}, MinSessionTimeout: minimum})
		members, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{ID: "g", Brokers: b.Addrs(), Topics: []string{"a"}, SessionTimeout: 2 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := members.Next(t.Context()); !errors.Is(err, want) {
			t.Errorf("with a minimum of %v: %v, want %v", minimum, err, want)
		}
		if err := members.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestChosenPortOnLoopbackIsFreeAgainAfterClose(t *testing.T) {
	first := start(t, broker.Config{})
	host, text, err := net.SplitHostPort(first.Addrs()[0])
	if err != nil || !net.ParseIP(host).IsLoopback() {
		t.Fatalf("listens on %v", first.Addrs())
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := broker.Start(broker.Config{Port: port}); !errors.Is(err, syscall.EADDRINUSE) {
		t.Fatalf("second broker on the port: %v", err)
	}
	first.Close()
	second := start(t, broker.Config{Port: port})
	if second.Addrs()[0] != first.Addrs()[0] {
		t.Fatalf("listens on %v, want %v", second.Addrs(), first.Addrs())
	}
}

func TestTopicsThatCannotBeAreRefused(t *testing.T) {
	for _, topics := range []map[string]int{{"": 1}, {"a": 0}, {"a": -1}} {
		if _, err := broker.Start(broker.Config{Topics: topics}); err == nil {
			t.Errorf("%v was accepted", topics)
		}
	}
}
