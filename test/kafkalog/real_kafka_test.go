//go:build kafka

package kafkalog_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/testkafka"
)

// realKafka is one broker for all tests of the package. If it is ours, it is secured and
// compacts soon.
var realKafka = sync.OnceValues(func() (*testkafka.Cluster, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	cfg := testkafka.Config{Secured: true, Properties: map[string]string{
		"log.cleaner.backoff.ms": "100",
		"listener.name.saslplaintext.scram-sha-256.connections.max.reauth.ms": shortSession,
		"listener.name.sasltls.scram-sha-256.connections.max.reauth.ms":       shortSession,
	}}
	if os.Getenv("KAFKA_BROKERS") != "" {
		cfg = testkafka.Config{}
	}
	c, err := testkafka.Start(ctx, cfg)
	if err == nil {
		afterAll = append(afterAll, c.Close)
	}
	return c, err
})

func shared(t *testing.T) *testkafka.Cluster {
	t.Helper()
	c, err := realKafka()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(c.Tail())
		}
	})
	return c
}

var fresh atomic.Int64

// own creates topics for this test, and returns a function that sets them and a group of their
// own in a Config. configs are settings of the consumed topic.
func own(t *testing.T, c *testkafka.Cluster, configs map[string]*string) func(*kafkalog.Config) {
	t.Helper()
	// The time distinguishes runs on brokers that are not ours.
	name := fmt.Sprintf("kafkalog-%d-%d", time.Now().UnixMilli(), fresh.Add(1))
	admin := kadm.NewClient(other(t, c.Addrs()))
	for topic, configs := range map[string]map[string]*string{name: configs, name + "-out": nil} {
		if _, err := admin.CreateTopic(soon(t), 2, -1, configs, topic); err != nil {
			t.Fatal(err)
		}
	}
	// A new topic's partitions have no leaders at first.
	until(t, "the topics can be used", func() bool {
		offsets, err := admin.ListEndOffsets(soon(t), name, name+"-out")
		return err == nil && offsets.Error() == nil
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		defer cancel()
		admin := kadm.NewClient(must(kgo.NewClient(kgo.SeedBrokers(c.Addrs()...))))
		defer admin.Close()
		if _, err := admin.DeleteTopics(ctx, name, name+"-out"); err != nil {
			t.Error(err)
		}
	})
	return func(cfg *kafkalog.Config) {
		cfg.Topic, cfg.Topics, cfg.GroupID = name, []string{name + "-out"}, name
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// The checks of the tests with an embedded broker, on a real Kafka.
func TestKafkaAsTheFastTestsHaveIt(t *testing.T) {
	c := shared(t)
	for name, test := range map[string]func(*testing.T, []string, ...func(*kafkalog.Config)){
		"rebalance":    rebalance,
		"commit":       commitRoundTrip,
		"nil or empty": absentAndEmpty,
		"out of range": outsideThePartition,
		"produce":      produceRoundTrip,
		"too large":    tooLarge,
		"admin":        createAndAsk,
		"span":         spans,
		"open span":    spanOfTransaction,
		"evict":        evict,
		"other make":   ownerOfAnotherMake,
		"same name":    sameName,
		"leave":        leaveAlive,
		"leave drain":  leaveDraining,
		"leave join":   leaveJoining,
		"left behind":  leftBehind,
		"added":        addedPartitions,
		"policy":       policies,
	} {
		t.Run(name, func(t *testing.T) { test(t, c.Addrs(), own(t, c, nil)) })
	}
}

// For clients of the classic protocol such a group does not exist.
func TestKafkaAGroupOfTheNewProtocolIsSeen(t *testing.T) {
	c := shared(t)
	if testkafka.ZooKeeper() {
		t.Skip("these brokers are older than the protocol (KIP-848)")
	}
	l := member(t, c.Addrs(), own(t, c, nil))
	if g, err := l.DescribeGroup(soon(t)); err != nil || g.State != "Dead" {
		t.Errorf("before: %+v, %v", g, err)
	}
	cl := other(t, c.Addrs(), kgo.ConsumerGroup(l.cfg.GroupID), kgo.ConsumeTopics(l.cfg.Topic), kgo.ServerSideBalancer())
	go cl.PollFetches(soon(t))
	until(t, "the group is seen", func() bool {
		g, err := l.DescribeGroup(soon(t))
		if err != nil {
			t.Log(err)
		}
		return g.State == kafkalog.NewProtocol
	})
	if _, err := l.Join(soon(t)); err == nil || !strings.Contains(err.Error(), "group.protocol=consumer") {
		t.Errorf("joining: %v", err)
	}
}
