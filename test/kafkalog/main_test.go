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
)

// afterAll ends what the tests share.
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

// patience bounds what must happen soon.
const patience = 20 * time.Second

func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), patience)
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

// subject is the Log that is tested, with its settings.
type subject struct {
	*kafkalog.Client
	cfg kafkalog.Config
}

// member is a Log on brokers; it leaves and closes with the test.
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
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := l.Leave(ctx); err != nil {
			t.Error(err)
		}
		l.Close()
	})
	return &subject{l, cfg}
}

// join tries until the group lets the member in.
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

// other is a client of another make.
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

// text is a record of the consumed topic's partition 0.
func text(value string) *kgo.Record {
	return &kgo.Record{Topic: consumed, Key: []byte("k"), Value: []byte(value)}
}

// readAll pages through a partition from an offset until all is read.
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

// until polls for what the broker does in its own time.
func until(t *testing.T, what string, is func() bool) {
	t.Helper()
	for ctx := soon(t); !is(); {
		select {
		case <-ctx.Done():
			t.Fatalf("not within %v: %s", patience, what)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
