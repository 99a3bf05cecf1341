// Package kafkalog_test tests consumer/kafkalog against an embedded broker, and with the
// build tag kafka against a real Apache Kafka. An independent client, franz-go, writes and
// reads what is compared.
package kafkalog_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/goroutines"
	"remux-retrier/internal/testkafka"
)

// afterAll are functions that end what the tests share.
var afterAll []func()

func TestMain(m *testing.M) {
	code := m.Run()
	for _, end := range afterAll {
		end()
	}
	if err := goroutines.Left(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

const (
	consumed = "failed"
	produced = "retried"
)

// testTimeout is how long the tests wait for what must happen soon.
const testTimeout = 20 * time.Second

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout)
	t.Cleanup(cancel)
	return ctx
}

func fakeKafka(t *testing.T) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(
		kfake.NumBrokers(1),
		kfake.GroupMinSessionTimeout(time.Second),
		kfake.SeedTopics(2, consumed),
		kfake.SeedTopics(2, produced),
		kfake.BrokerConfigs(map[string]string{"group.initial.rebalance.delay.ms": "0"}),
	)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// subject is the Kafka client under test, with its settings.
type subject struct {
	*kafkalog.Client
	cfg kafkalog.Config
}

// member returns a Kafka client for these brokers. It leaves and closes with the test.
func member(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) *subject {
	t.Helper()
	cfg := kafkalog.Config{Brokers: brokers, GroupID: "retrier", ClientID: "test", Topic: consumed, Topics: []string{produced}}
	for _, f := range change {
		f(&cfg)
	}
	l, err := kafkalog.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		defer cancel()
		if err := l.Leave(ctx); err != nil {
			t.Error(err)
		}
		l.Close()
	})
	return &subject{l, cfg}
}

// join retries until the member has joined the group.
func join(t *testing.T, l *subject) consumer.Generation {
	t.Helper()
	ctx := soon(t)
	for {
		g, err := l.Join(ctx)
		if err == nil {
			return g
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
		t.Log(err)
	}
}

// other returns a franz-go client.
func other(t *testing.T, brokers []string, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(brokers...),
		kgo.RecordPartitioner(kgo.ManualPartitioner()),
	}, opts...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return cl
}

func write(t *testing.T, cl *kgo.Client, records ...*kgo.Record) {
	t.Helper()
	if err := cl.ProduceSync(soon(t), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// text returns a record for partition 0 of the consumed topic.
func text(value string) *kgo.Record {
	return &kgo.Record{Topic: consumed, Key: []byte("k"), Value: []byte(value)}
}

// readAll reads a partition page by page, from an offset to its end.
func readAll(t *testing.T, l *subject, topic string, partition int, from int64, pageBytes int) []consumer.Record {
	t.Helper()
	var all []consumer.Record
	for ctx := soon(t); ; {
		page, err := l.Fetch(ctx, topic, partition, from, pageBytes)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, page.Records...)
		if from = page.Next; from >= page.End {
			return all
		}
	}
}

func values(records []consumer.Record) []string {
	var out []string
	for _, r := range records {
		out = append(out, string(r.Value))
	}
	return out
}

// connections counts this process's connections to the brokers.
func connections(t *testing.T, brokers []string) (n int) {
	t.Helper()
	open, err := testkafka.Connections(os.Getpid(), brokers)
	if err != nil {
		t.Skipf("counting connections needs Linux: %v", err)
	}
	for _, each := range open {
		n += each
	}
	return n
}

// until polls is until it returns true.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for ctx := soon(t); !is(); {
		select {
		case <-ctx.Done():
			t.Fatalf("not within %v: %s", testTimeout, what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
