//go:build kafka

package testkafka

import (
	"context"
	"errors"
	"net"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

func TestKafkaComesBackWithItsPortAndData(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := ForTest(t, Config{})
	c.NeedOwn(t)
	addr := c.Addrs()[0]
	conn, err := kafka.DialContext(ctx, "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.CreateTopics(kafka.TopicConfig{Topic: "kept", NumPartitions: 3, ReplicationFactor: 1}); err != nil {
		t.Fatal(err)
	}
	for name, end := range map[string]func(int) error{"Kill": c.Kill, "Stop": c.Stop} {
		if err := end(0); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if conn, err := net.Dial("tcp", addr); err == nil {
			conn.Close()
			t.Fatalf("%s still answers after %s", addr, name)
		}
		if err := end(0); err == nil {
			t.Errorf("%s of a broker that does not run succeeded", name)
		}
		if err := c.Restart(ctx, 0); err != nil {
			t.Fatalf("restart after %s: %v", name, err)
		}
		if got := partitions(t, ctx, addr, "kept"); got != 3 {
			t.Errorf("after %s and restart the topic has %d partitions, want 3", name, got)
		}
	}
	if err := c.Pause(0); err != nil {
		t.Fatal(err)
	}
	frozen, stop := context.WithTimeout(ctx, 300*time.Millisecond)
	defer stop()
	if known, err := c.brokers[0].knows(frozen); err == nil {
		t.Errorf("a paused broker answers: it knows %d brokers", known)
	}
	if err := c.Resume(0); err != nil {
		t.Fatal(err)
	}
	if got := partitions(t, ctx, addr, "kept"); got != 3 {
		t.Errorf("after a pause the topic has %d partitions, want 3", got)
	}
}

func TestKafkaOfThreeBrokersReplicates(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := ForTest(t, Config{Brokers: 3})
	client := &kafka.Client{Addr: kafka.TCP(c.Addrs()...), Transport: &kafka.Transport{Context: ctx}}
	res, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{{Topic: "t", NumPartitions: 1, ReplicationFactor: -1}}})
	if err != nil || res.Errors["t"] != nil {
		t.Fatal(err, res.Errors)
	}
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{"t"}})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(meta.Topics[0].Partitions[0].Replicas); n != 3 {
		t.Errorf("%d replicas, want 3", n)
	}
	client.Transport.(*kafka.Transport).CloseIdleConnections()
}

func partitions(t *testing.T, ctx context.Context, addr, topic string) int {
	t.Helper()
	conn, err := kafka.DialContext(ctx, "tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for {
		all, err := conn.ReadPartitions(topic)
		if err == nil {
			return len(all)
		}
		// With ZooKeeper a broker answers before it knows the topics.
		if !errors.Is(err, kafka.UnknownTopicOrPartition) || ctx.Err() != nil {
			t.Fatal(err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}
