//go:build kafka

package kafkalog_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"remux-retrier/consumer"
)

// quota sets a default quota for all clients, until the test ends.
func quota(t *testing.T, cl *kgo.Client, key string, value float64) {
	t.Helper()
	alter := func(ctx context.Context, remove bool) error {
		entry := kmsg.NewAlterClientQuotasRequestEntry()
		entity := kmsg.NewAlterClientQuotasRequestEntryEntity()
		entity.Type = "client-id"
		op := kmsg.NewAlterClientQuotasRequestEntryOp()
		op.Key, op.Value, op.Remove = key, value, remove
		entry.Entity = append(entry.Entity, entity)
		entry.Ops = append(entry.Ops, op)
		req := kmsg.NewAlterClientQuotasRequest()
		req.Entries = append(req.Entries, entry)
		res, err := req.RequestWith(ctx, cl)
		if err == nil {
			err = kerr.ErrorForCode(res.Entries[0].ErrorCode)
		}
		return err
	}
	if err := alter(t.Context(), false); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		defer cancel()
		if err := alter(ctx, true); err != nil {
			t.Error(err)
		}
	})
}

// A throttled answer has no partition, and the broker mutes its connection for a while
// (KIP-219).
func TestKafkaThrottlingIsWaitedOut(t *testing.T) {
	c := shared(t)
	c.NeedOwn(t)
	l := member(t, c.Addrs(), own(t, c, nil))
	cl := other(t, c.Addrs(), kgo.ProducerBatchCompression(kgo.NoCompression()))
	const events, size = 300, 10_000
	var backlog []*kgo.Record
	for i := range events {
		backlog = append(backlog, &kgo.Record{Topic: l.cfg.Topic, Partition: int32(i % 2), Value: make([]byte, size)})
	}
	write(t, cl, backlog...)
	quota(t, cl, "consumer_byte_rate", 200_000)
	quota(t, cl, "producer_byte_rate", 200_000)
	g := join(t, l)
	defer g.Release()
	time.Sleep(time.Second) // brokers learn of quotas a little later

	began := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	throttled := make(chan time.Duration, 2)
	for p := range 2 {
		go func() {
			var sum time.Duration
			defer func() { throttled <- sum }()
			read := 0
			for next := int64(0); read < events/2; {
				page, err := l.Fetch(ctx, l.cfg.Topic, p, next, 100_000)
				if err != nil {
					t.Errorf("partition %d at %d: %v", p, next, err)
					return
				}
				read, next, sum = read+len(page.Records), page.Next, sum+page.Throttled
			}
		}()
	}
	var slowest []time.Duration
	var sums []time.Duration
	for len(sums) < 2 {
		select {
		case sum := <-throttled:
			sums = append(sums, sum)
		case <-g.Ended():
			t.Fatal("the generation has ended")
		case <-time.After(50 * time.Millisecond):
			start := time.Now()
			if err := g.Commit(ctx, map[int]consumer.Position{0: {Offset: 1}}); err != nil {
				t.Errorf("commit: %v", err)
			}
			if _, err := l.Produce(ctx, l.cfg.Topics[0], 0, []consumer.Message{{Value: make([]byte, 100)}}); err != nil {
				t.Errorf("write: %v", err)
			}
			slowest = append(slowest, time.Since(start))
		}
	}
	took := time.Since(began)
	t.Logf("%d bytes in %v; throttled %v; a commit and a write took at most %v", events*size, took, sums, slices.Max(slowest))
	if took < 10*time.Second || sums[0]+sums[1] == 0 {
		t.Error("it was not throttled")
	}
	if worst := slices.Max(slowest); worst > 2*time.Second {
		t.Errorf("a commit and a write took %v during a throttled fetch", worst)
	}
	// A writer above its quota is delayed, but no other request.
	for range 30 {
		if _, err := l.Produce(ctx, l.cfg.Topics[0], 1, []consumer.Message{{Value: make([]byte, 100_000)}}); err != nil {
			t.Fatal(err)
		}
	}
	start := time.Now()
	if err := g.Commit(ctx, map[int]consumer.Position{0: {Offset: 1}}); err != nil || time.Since(start) > 2*time.Second {
		t.Errorf("a commit during throttled writes: %v after %v", err, time.Since(start))
	}
	select {
	case <-g.Ended():
		t.Error("the generation has ended")
	default:
	}
}
