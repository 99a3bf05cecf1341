package kafkalog_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"remux-retrier/consumer"
)

const (
	many = 64
	// fetchWait is how long a broker delays a fetch without records.
	fetchWait = 500 * time.Millisecond
	// slow is the age from which on a write no longer delays other writes.
	slow = time.Second
	// writesAtOnce is how many writes that are not slow are sent to a broker at once.
	writesAtOnce = 3
	// connIdle is how long a connection without requests stays open.
	connIdle = 10 * time.Second
)

// manyPartitions is a Kafka with many partitions of each topic.
func manyPartitions(t *testing.T) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(many, consumed, produced))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestAllPartitionsOfABrokerAreAskedForAtOnce(t *testing.T) {
	c := manyPartitions(t)
	l := member(t, c.ListenAddrs())
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	var readers sync.WaitGroup
	for _, topic := range []string{consumed, produced} {
		for p := range many {
			readers.Go(func() {
				for ctx.Err() == nil {
					if _, err := l.Fetch(ctx, topic, p, 0, 1<<20); err != nil && ctx.Err() == nil {
						t.Error(err)
						return
					}
				}
			})
		}
	}
	readers.Wait()
	// Two a second, and some more because partitions may be late on a busy machine.
	fetches := l.Requests()
	if fetches > 100 {
		t.Errorf("%d fetches in 3 s for idle partitions", fetches)
	}
	_, err := l.Span(soon(t), consumed, many, time.Now())
	if lookups := l.Requests() - fetches; err != nil || lookups != 2 {
		t.Errorf("the span of %d partitions took %d lookups, want 2 (%v)", many, lookups, err)
	}
	t.Log(fetches, "fetches")
}

func TestAPartitionThatComesLateDoesNotWaitForTheOthers(t *testing.T) {
	c := manyPartitions(t)
	l := member(t, c.ListenAddrs())
	write(t, other(t, c.ListenAddrs()), &kgo.Record{Topic: consumed, Partition: 1, Value: []byte("v")})
	if _, err := l.Partitions(soon(t), consumed); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	var idle sync.WaitGroup
	defer idle.Wait()
	defer cancel()
	idle.Go(func() { _, _ = l.Fetch(ctx, consumed, 0, 0, 1<<20) })
	time.Sleep(fetchWait / 10)
	began := time.Now()
	page, err := l.Fetch(ctx, consumed, 1, 0, 1<<20)
	if took := time.Since(began); err != nil || len(page.Records) != 1 || took > fetchWait/2 {
		t.Errorf("%d records after %v, %v", len(page.Records), took, err)
	}
}

// A broker fills its answer in the order of the request. Only the first partition with
// records may exceed its limit.
func TestNoPartitionStarvesBesideOthersBacklogs(t *testing.T) {
	c := manyPartitions(t)
	cl := other(t, c.ListenAddrs(), kgo.ProducerBatchCompression(kgo.NoCompression()))
	for p := range int32(4) {
		for range 8 {
			write(t, cl, &kgo.Record{Topic: consumed, Partition: p, Value: make([]byte, 900_000)})
		}
	}
	write(t, cl, &kgo.Record{Topic: consumed, Partition: 4, Value: make([]byte, 50_000)})
	l := member(t, c.ListenAddrs())
	ctx, cancel := context.WithCancel(t.Context())
	var busy sync.WaitGroup
	defer busy.Wait()
	defer cancel()
	for p := range 4 {
		busy.Go(func() {
			for ctx.Err() == nil {
				_, _ = l.Fetch(ctx, consumed, p, 0, 1<<20)
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	page, err := l.Fetch(ctx, consumed, 4, 0, 1)
	if took := time.Since(began); err != nil || len(page.Records) != 1 || took > 5*time.Second {
		t.Errorf("%d records after %v, %v", len(page.Records), took, err)
	}
}

// together makes the next fetches go out in one request: the broker refuses a fetch and
// throttles the client, and meanwhile they are collected.
func together(t *testing.T, c *kfake.Cluster, l *subject) {
	t.Helper()
	c.ControlKey(int16(kmsg.Fetch), func(req kmsg.Request) (kmsg.Response, error, bool) {
		res := req.ResponseKind().(*kmsg.FetchResponse)
		res.ThrottleMillis = 200
		topic, p := kmsg.NewFetchResponseTopic(), kmsg.NewFetchResponseTopicPartition()
		topic.Topic, p.ErrorCode = consumed, kerr.NotLeaderForPartition.Code
		topic.Partitions = append(topic.Partitions, p)
		res.Topics = append(res.Topics, topic)
		return res, nil, true
	})
	if _, err := l.Fetch(soon(t), consumed, 0, 0, 1); err == nil {
		t.Fatal("the fetch was not refused")
	}
}

// A request cannot contain two fetches of one partition.
func TestTwoReadersOfAPartitionBothRead(t *testing.T) {
	c := manyPartitions(t)
	write(t, other(t, c.ListenAddrs()), text("0"), text("1"))
	l := member(t, c.ListenAddrs())
	together(t, c, l)
	var readers sync.WaitGroup
	for from := range int64(2) {
		readers.Go(func() {
			page, err := l.Fetch(soon(t), consumed, 0, from, 1<<20)
			if err != nil || len(page.Records) != 2-int(from) {
				t.Errorf("from %d: %d records, %v", from, len(page.Records), err)
			}
		})
	}
	readers.Wait()
}

// A replica that does not answer delays its partitions' writes for long.
func TestWritesThatWaitHoldUpNoOthers(t *testing.T) {
	c := manyPartitions(t)
	release := make(chan struct{})
	c.ControlKey(int16(kmsg.Produce), func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if req.(*kmsg.ProduceRequest).Topics[0].Partitions[0].Partition < writesAtOnce+1 {
			c.SleepControl(func() { <-release })
		}
		return nil, nil, false
	})
	l := member(t, c.ListenAddrs())
	put := func(p int) error {
		_, err := l.Produce(soon(t), produced, p, []consumer.Message{{Value: []byte("v")}})
		return err
	}
	if err := put(many - 1); err != nil {
		t.Fatal(err)
	}
	usual := connections(t, c.ListenAddrs()) + writesAtOnce - 1
	var waiting sync.WaitGroup
	for p := range writesAtOnce + 1 {
		waiting.Go(func() {
			if err := put(p); err != nil {
				t.Errorf("partition %d: %v", p, err)
			}
		})
	}
	time.Sleep(slow / 10)
	began := time.Now()
	if err := put(many - 1); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 4*slow {
		t.Errorf("the write of another partition took %v", took)
	}
	if connections(t, c.ListenAddrs()) <= usual {
		t.Error("the writes that wait have not let more connections be opened")
	}
	close(release)
	waiting.Wait()
	for soon := time.After(connIdle / 2); connections(t, c.ListenAddrs()) > usual; {
		select {
		case <-soon:
			t.Fatal("the connections that were added are kept")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Calls may wait in a long fetch, in a short one, and for the next one.
func TestCloseEndsFetchesThatWait(t *testing.T) {
	c := manyPartitions(t)
	l := member(t, c.ListenAddrs())
	var calls sync.WaitGroup
	for p := range many {
		calls.Go(func() {
			if _, err := l.Fetch(t.Context(), consumed, p, 0, 1<<20); err == nil {
				t.Errorf("partition %d: an answer without records before its time", p)
			}
		})
		time.Sleep(time.Millisecond) // so that not all go with the first request
	}
	began := time.Now()
	l.Close()
	calls.Wait()
	if took := time.Since(began); took > fetchWait {
		t.Errorf("took %v", took)
	}
	if _, err := l.Fetch(t.Context(), consumed, 0, 0, 1<<20); err == nil {
		t.Error("fetched after Close")
	}
}
