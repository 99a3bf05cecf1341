//go:build kafka

package kafkalog_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/consumer"
)

const last = "the last record"

// theirs returns partition 0 up to the last record, as franz-go reads it with isolation
// level read_committed.
func theirs(t *testing.T, brokers []string, topic string) []consumer.Record {
	t.Helper()
	cl := other(t, brokers, kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{topic: {0: kgo.NewOffset().AtStart()}}))
	var all []consumer.Record
	for ctx := soon(t); len(all) == 0 || string(all[len(all)-1].Value) != last; {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			all = append(all, consumer.Record{Topic: r.Topic, Offset: r.Offset, Time: r.Timestamp, Key: r.Key, Value: r.Value})
		})
	}
	return all
}

func TestKafkaReadCommittedAsAnotherClientDoes(t *testing.T) {
	c := shared(t)
	use := own(t, c, nil)
	l := member(t, c.Addrs(), use)
	topic := l.cfg.Topic
	seed := uint64(time.Now().UnixNano())
	t.Log("seed", seed)
	rnd := rand.New(rand.NewPCG(seed, 0))

	ctx := soon(t)
	plain := other(t, c.Addrs())
	producers := make([]*kgo.Client, 3)
	open := make([]bool, len(producers))
	for i := range producers {
		producers[i] = other(t, c.Addrs(), kgo.TransactionalID(fmt.Sprintf("%s-%d", topic, i)))
	}
	end := func(i int) {
		commit := kgo.TransactionEndTry(rnd.IntN(2) == 0)
		if err := producers[i].EndTransaction(ctx, commit); err != nil {
			t.Fatal(err)
		}
		open[i] = false
	}
	for step := range 200 {
		record := &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "step %d %0*d", step, rnd.IntN(200), 0)}
		i := rnd.IntN(len(producers) + 1)
		switch {
		case i == len(producers):
			write(t, plain, record)
		case !open[i]:
			if err := producers[i].BeginTransaction(); err != nil {
				t.Fatal(err)
			}
			open[i] = true
			fallthrough
		case rnd.IntN(3) > 0:
			write(t, producers[i], record)
		default:
			end(i)
		}
	}
	for i := range producers {
		if open[i] {
			end(i)
		}
	}
	write(t, plain, &kgo.Record{Topic: topic, Value: []byte(last)})

	want := theirs(t, c.Addrs(), topic)
	for _, pageBytes := range []int{1, 100, 700, 1 << 20} {
		got := readAll(t, l, topic, 0, 0, pageBytes)
		if len(got) != len(want) {
			t.Errorf("pages of %d bytes: %d records, another client reads %d", pageBytes, len(got), len(want))
			continue
		}
		for i := range got {
			if !got[i].Time.Equal(want[i].Time) {
				t.Errorf("offset %d: time %v, want %v", got[i].Offset, got[i].Time, want[i].Time)
			}
			got[i].Time = want[i].Time
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Fatalf("pages of %d bytes: record %d is %+v, another client reads %+v", pageBytes, i, got[i], want[i])
			}
		}
	}
	// The rest is the same from any offset.
	for range 20 {
		from := rnd.Int64N(want[len(want)-1].Offset)
		i, _ := slices.BinarySearchFunc(want, from, func(r consumer.Record, o int64) int { return int(r.Offset - o) })
		if got := readAll(t, l, topic, 0, from, 700); !slices.Equal(values(got), values(want[i:])) {
			t.Errorf("from offset %d: %d records, want %d", from, len(got), len(want)-i)
		}
	}
}

func TestKafkaCodecs(t *testing.T) {
	c := shared(t)
	use := own(t, c, nil)
	l := member(t, c.Addrs(), use)
	var want []string
	for name, codec := range map[string]kgo.CompressionCodec{
		"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(),
		"lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		var batch []*kgo.Record
		for i := range 50 {
			want = append(want, fmt.Sprintf("%s %d %0100d", name, i, 0))
			batch = append(batch, &kgo.Record{Topic: l.cfg.Topic, Value: []byte(want[len(want)-1])})
		}
		write(t, other(t, c.Addrs(), kgo.ProducerBatchCompression(codec)), batch...)
	}
	for _, pageBytes := range []int{1, 1 << 20} {
		if got := values(readAll(t, l, l.cfg.Topic, 0, 0, pageBytes)); !slices.Equal(got, want) {
			t.Errorf("pages of %d bytes: %d records, want %d", pageBytes, len(got), len(want))
		}
	}
}

func TestKafkaCompactedTopicIsReadThrough(t *testing.T) {
	c := shared(t)
	c.NeedOwn(t) // other brokers may compact only every 15 s
	policy, ratio, ms := "compact", "0.01", "100"
	use := own(t, c, map[string]*string{"cleanup.policy": &policy, "min.cleanable.dirty.ratio": &ratio, "segment.ms": &ms})
	l := member(t, c.Addrs(), use)
	topic := l.cfg.Topic
	cl := other(t, c.Addrs())
	batch := func(value string, keys ...string) {
		var records []*kgo.Record
		for _, k := range keys {
			records = append(records, &kgo.Record{Topic: topic, Key: []byte(k), Value: []byte(value)})
		}
		write(t, cl, records...)
	}
	// Compaction removes all of the first batch, the end of the second, and the beginning of
	// the third.
	batch("old", "a", "b", "c")
	batch("x", "d", "a", "b")
	batch("y", "a", "b", "c")
	// The active segment is never compacted. Write until the segment with the batches is
	// closed and cleaned.
	tick := 0
	until(t, "the first batches are compacted", func() bool {
		tick++
		batch(fmt.Sprint(tick), fmt.Sprint("tick ", tick))
		got := values(readAll(t, l, topic, 0, 0, 1))
		return len(got) > 3 && slices.Equal(got[:4], []string{"x", "y", "y", "y"})
	})
	batch(last, "last")
	want := theirs(t, c.Addrs(), topic)
	for from := range want[len(want)-1].Offset {
		i, _ := slices.BinarySearchFunc(want, from, func(r consumer.Record, o int64) int { return int(r.Offset - o) })
		for _, pageBytes := range []int{1, 1 << 20} {
			if got := values(readAll(t, l, topic, 0, from, pageBytes)); !slices.Equal(got, values(want[i:])) {
				t.Errorf("from offset %d, pages of %d bytes: %q, want %q", from, pageBytes, got, values(want[i:]))
			}
		}
	}
}

func TestKafkaBelowTheFirstOffset(t *testing.T) {
	c := shared(t)
	use := own(t, c, nil)
	l := member(t, c.Addrs(), use)
	ctx := soon(t)
	cl := other(t, c.Addrs())
	for i := range 3 {
		write(t, cl, &kgo.Record{Topic: l.cfg.Topic, Value: fmt.Append(nil, i)})
	}
	upTo := kadm.Offsets{}
	upTo.AddOffset(l.cfg.Topic, 0, 2, -1)
	if _, err := kadm.NewClient(cl).DeleteRecords(ctx, upTo); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Fetch(ctx, l.cfg.Topic, 0, 0, 1<<20); !errors.Is(err, consumer.ErrOffsetOutOfRange) {
		t.Errorf("fetch of a deleted record: %v, want ErrOffsetOutOfRange", err)
	}
	if first, next, err := l.Bounds(ctx, l.cfg.Topic, 0); first != 2 || next != 3 || err != nil {
		t.Errorf("bounds %d and %d, %v; want 2 and 3", first, next, err)
	}
}

func TestKafkaDeletedTopicIsUnknown(t *testing.T) {
	c := shared(t)
	use := own(t, c, nil)
	l := member(t, c.Addrs(), use)
	ctx := soon(t)
	g := join(t, l)
	if err := g.Commit(ctx, map[int]consumer.Position{0: {Offset: 1}}); err != nil {
		t.Fatal(err)
	}
	if _, err := kadm.NewClient(other(t, c.Addrs())).DeleteTopics(ctx, l.cfg.Topic); err != nil {
		t.Fatal(err)
	}
	// First the partition is deleted, then kafka-go's cached metadata expires. The errors
	// differ, but must mean the same.
	for start := time.Now(); time.Since(start) < 3*time.Second; {
		_, err := l.Fetch(ctx, l.cfg.Topic, 0, 0, 1<<20)
		if !errors.Is(err, consumer.ErrUnknownTopic) {
			t.Fatalf("fetch: %v, want ErrUnknownTopic", err)
		}
	}
	if err := g.Commit(ctx, map[int]consumer.Position{0: {Offset: 1}}); !errors.Is(err, consumer.ErrUnknownTopic) {
		t.Errorf("commit: %v, want ErrUnknownTopic", err)
	}
}
