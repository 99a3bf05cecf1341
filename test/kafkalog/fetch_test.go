package kafkalog_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
)

func TestAbsentAndEmptyBytesStayApart(t *testing.T) {
	absentAndEmpty(t, fakeKafka(t).ListenAddrs())
}

func absentAndEmpty(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	l := member(t, brokers, change...)
	at := time.UnixMilli(1_700_000_000_123)
	headers := []kgo.RecordHeader{{Key: "a", Value: []byte("1")}, {Key: "a", Value: nil}, {Key: "", Value: []byte{}}}
	sent := []*kgo.Record{
		{Key: nil, Value: nil},
		{Key: []byte{}, Value: []byte{}},
		{Key: []byte("k"), Value: []byte{0, 255, 10}, Headers: headers},
	}
	for _, r := range sent {
		r.Topic, r.Timestamp = l.cfg.Topic, at
	}
	write(t, other(t, brokers), sent...)
	got := readAll(t, l, l.cfg.Topic, 0, 0, 1<<20)
	if len(got) != len(sent) {
		t.Fatalf("%d records, want %d", len(got), len(sent))
	}
	for i, r := range got {
		if !reflect.DeepEqual(r.Key, sent[i].Key) || !reflect.DeepEqual(r.Value, sent[i].Value) {
			t.Errorf("record %d: key %#v value %#v, want %#v and %#v", i, r.Key, r.Value, sent[i].Key, sent[i].Value)
		}
		if !r.Time.Equal(at) || r.Topic != l.cfg.Topic || r.Partition != 0 || r.Offset != int64(i) {
			t.Errorf("record %d is %s/%d at %d of %v", i, r.Topic, r.Partition, r.Offset, r.Time)
		}
	}
	want := []consumer.Header{{Key: "a", Value: []byte("1")}, {Key: "a"}, {Key: "", Value: []byte{}}}
	if !reflect.DeepEqual(got[2].Headers, want) {
		t.Errorf("headers %#v, want %#v", got[2].Headers, want)
	}
}

func TestAbortedRecordsAreNotRead(t *testing.T) {
	brokers := fakeKafka(t).ListenAddrs()
	ctx := soon(t)
	cl := other(t, brokers, kgo.TransactionalID("tx"))
	for _, tx := range []struct {
		value  string
		commit kgo.TransactionEndTry
	}{{"kept", kgo.TryCommit}, {"dropped", kgo.TryAbort}, {"kept too", kgo.TryCommit}, {"dropped too", kgo.TryAbort}} {
		if err := cl.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		write(t, cl, text(tx.value))
		if err := cl.EndTransaction(ctx, tx.commit); err != nil {
			t.Fatal(err)
		}
	}
	l := member(t, brokers)
	page, err := l.Fetch(ctx, consumed, 0, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if got := values(page.Records); !slices.Equal(got, []string{"kept", "kept too"}) {
		t.Errorf("read %q", got)
	}
	// Four records and four markers: hidden records are skipped, not waited for.
	if page.Next != 8 || page.End != 8 {
		t.Errorf("next %d of %d, want 8 of 8", page.Next, page.End)
	}
}

func TestOpenTransactionHoldsTheEnd(t *testing.T) {
	brokers := fakeKafka(t).ListenAddrs()
	ctx := soon(t)
	write(t, other(t, brokers), text("before"))
	cl := other(t, brokers, kgo.TransactionalID("tx"))
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	write(t, cl, text("open"))
	write(t, other(t, brokers), text("behind"))
	l := member(t, brokers)
	page, err := l.Fetch(ctx, consumed, 0, 0, 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if got := values(page.Records); !slices.Equal(got, []string{"before"}) || page.Next != 1 || page.End != 1 {
		t.Errorf("read %q, next %d, end %d: want what comes before the open transaction", got, page.Next, page.End)
	}
	if first, next, err := l.Bounds(ctx, consumed, 0); first != 0 || next != 3 || err != nil {
		t.Errorf("bounds %d and %d, %v; want 0 and 3", first, next, err)
	}
	if page, err = l.Fetch(ctx, consumed, 0, page.Next, 1<<20); err != nil || page.Next != 1 || len(page.Records) != 0 {
		t.Errorf("at the end: %d records, next %d, %v", len(page.Records), page.Next, err)
	}
	if err := cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	if got := values(readAll(t, l, consumed, 0, 1, 1<<20)); !slices.Equal(got, []string{"open", "behind"}) {
		t.Errorf("after the commit read %q", got)
	}
}

func TestFetchFromTheMiddleOfABatch(t *testing.T) {
	brokers := fakeKafka(t).ListenAddrs()
	write(t, other(t, brokers), text("0"), text("1"), text("2"))
	if got := values(readAll(t, member(t, brokers), consumed, 0, 1, 1)); !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("from offset 1 read %q", got)
	}
}

func TestOffsetsOutsideThePartition(t *testing.T) {
	outsideThePartition(t, fakeKafka(t).ListenAddrs())
}

func outsideThePartition(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	ctx := soon(t)
	l := member(t, brokers, change...)
	for _, offset := range []int64{1, 1 << 40} {
		if _, err := l.Fetch(ctx, l.cfg.Topic, 0, offset, 1<<20); !errors.Is(err, consumer.ErrOffsetOutOfRange) {
			t.Errorf("offset %d of an empty partition: %v, want ErrOffsetOutOfRange", offset, err)
		}
	}
	for _, where := range []struct {
		topic     string
		partition int
	}{{"nowhere", 0}, {l.cfg.Topic, 99}} {
		if _, err := l.Fetch(ctx, where.topic, where.partition, 0, 1<<20); !errors.Is(err, consumer.ErrUnknownTopic) {
			t.Errorf("fetch from %v: %v, want ErrUnknownTopic", where, err)
		}
		if _, err := l.Produce(ctx, where.topic, where.partition, []consumer.Message{{}}); !errors.Is(err, consumer.ErrUnknownTopic) {
			t.Errorf("produce to %v: %v, want ErrUnknownTopic", where, err)
		}
		if _, _, err := l.Bounds(ctx, where.topic, where.partition); !errors.Is(err, consumer.ErrUnknownTopic) {
			t.Errorf("bounds of %v: %v, want ErrUnknownTopic", where, err)
		}
	}
	ends, err := l.Ends(ctx, l.cfg.Topic, []int{99, 0})
	if !slices.Equal(ends, []int64{-1, 0}) || !errors.Is(err, consumer.ErrUnknownTopic) {
		t.Errorf("ends of one partition that does not exist and one that does: %d, %v", ends, err)
	}
	if _, err := l.Partitions(ctx, "nowhere"); !errors.Is(err, consumer.ErrUnknownTopic) {
		t.Errorf("partitions of a missing topic: %v, want ErrUnknownTopic", err)
	}
}

func TestFetchReturnsWithItsContext(t *testing.T) {
	l := member(t, fakeKafka(t).ListenAddrs())
	if _, err := l.Fetch(soon(t), consumed, 0, 0, 1<<20); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	start := time.Now()
	time.AfterFunc(fetchWait/10, cancel)
	if _, err := l.Fetch(ctx, consumed, 0, 0, 1<<20); !errors.Is(err, context.Canceled) {
		t.Errorf("Fetch: %v, want its context's end", err)
	}
	if took := time.Since(start); took >= fetchWait {
		t.Errorf("Fetch took %v: it waited for the broker", took)
	}
}

func TestARecordLargerThanThePageIsReadWhole(t *testing.T) {
	brokers := fakeKafka(t).ListenAddrs()
	large := bytes.Repeat([]byte("x"), 300_000)
	write(t, other(t, brokers), &kgo.Record{Topic: consumed, Value: large}, text("next"))
	got := readAll(t, member(t, brokers), consumed, 0, 0, 1000)
	if len(got) != 2 || !bytes.Equal(got[0].Value, large) {
		t.Errorf("%d records", len(got))
	}
}
