package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Sizes of producers' batches, in bytes: the Java client's default, and about the largest
// that brokers accept by default. To read one event, a consumer must hold the whole batch.
const (
	usualBatch = 16 << 10
	largeBatch = 1_000_000
)

// topics of one run. Each run has its own.
type topics struct{ failed, retried, retryFailed, dead string }

func (t topics) all() []string { return []string{t.failed, t.retried, t.retryFailed, t.dead} }

// cluster gives access to the brokers.
type cluster struct {
	brokers string
	pids    []int // the brokers' processes; none if the brokers are not ours
	client  *kgo.Client
	admin   *kadm.Client
	runs    int
}

func newCluster(addrs []string, pids []int) (*cluster, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...), kgo.ProducerLinger(0))
	if err != nil {
		return nil, err
	}
	return &cluster{brokers: strings.Join(addrs, ","), pids: pids, client: client, admin: kadm.NewClient(client)}, nil
}

func (k *cluster) Close() { k.client.Close() }

func (k *cluster) newTopics(ctx context.Context, partitions int) (topics, error) {
	k.runs++
	prefix := fmt.Sprintf("bench-%d-%d", time.Now().Unix(), k.runs) // on brokers that are not ours, old topics may exist
	t := topics{prefix, prefix + ".retried", prefix + ".retry_failed", prefix + ".dlq"}
	if _, err := k.admin.CreateTopics(ctx, int32(partitions), 1, nil, t.all()...); err != nil {
		return t, err
	}
	// A new topic has no leaders at first. That is not to be measured.
	for {
		offsets, err := k.admin.ListEndOffsets(ctx, t.all()...)
		if err == nil && offsets.Error() == nil {
			return t, nil
		}
		if ctx.Err() != nil {
			return t, ctx.Err()
		}
	}
}

// deleteTopics deletes a run's topics, because thousands of partitions slow the broker.
func (k *cluster) deleteTopics(ctx context.Context, t topics) {
	_, _ = k.admin.DeleteTopics(ctx, t.all()...) // an error does no harm: our broker's data is deleted at the end
}

// fill publishes a backlog.
func (k *cluster) fill(ctx context.Context, topic string, records, batch int, record func(topic string, i int) *kgo.Record) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(k.brokers, ",")...),
		kgo.ProducerBatchMaxBytes(int32(batch)), kgo.ProducerBatchCompression(kgo.NoCompression()),
		kgo.ProducerLinger(time.Second), // to fill the batches
		kgo.MaxBufferedRecords(200_000))
	if err != nil {
		return err
	}
	defer client.Close()
	var failed error // without a lock: callbacks run one at a time, and all before Flush returns
	for i := range records {
		client.Produce(ctx, record(topic, i), func(_ *kgo.Record, err error) {
			if err != nil && failed == nil {
				failed = err
			}
		})
	}
	if err := client.Flush(ctx); err != nil {
		return err
	}
	return failed
}

// event is a failure event of the i-th task.
func event(topic string, i int) *kgo.Record {
	id := strconv.Itoa(538_000_000 + i)
	return &kgo.Record{Topic: topic, Key: []byte(id), Value: fmt.Appendf(nil,
		`{"task_id":%q,"error_code":"MPC.10105","description":"the packaging task timed out, please retry","created":"2026-11-23T08:00:00Z"}`, id)}
}

// ends returns how many records a topic has.
func (k *cluster) ends(ctx context.Context, topic string) (int, error) {
	offsets, err := k.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	n := 0
	offsets.Each(func(o kadm.ListedOffset) { n += int(o.Offset) })
	return n, offsets.Error()
}
