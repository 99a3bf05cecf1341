package kafkalog_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
)

func TestProducedRecordsAreReadByOthersAsSent(t *testing.T) {
	produceRoundTrip(t, fakeKafka(t).ListenAddrs())
}

func produceRoundTrip(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	ctx := soon(t)
	l := member(t, brokers, change...)
	sent := []consumer.Message{
		{Key: []byte("k"), Value: []byte("v"), Headers: []consumer.Header{{Key: "a", Value: []byte("1")}, {Key: "b"}, {Key: "c", Value: []byte{}}}},
		{Key: []byte{}, Value: []byte{}},
		{},
	}
	if _, err := l.Produce(ctx, l.cfg.Topics[0], 1, sent); err != nil {
		t.Fatal(err)
	}
	cl := other(t, brokers, kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{l.cfg.Topics[0]: {1: kgo.NewOffset().AtStart()}}))
	var got []consumer.Message
	for len(got) < len(sent) {
		fetches := cl.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatal(err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			m := consumer.Message{Key: r.Key, Value: r.Value}
			for _, h := range r.Headers {
				m.Headers = append(m.Headers, consumer.Header{Key: h.Key, Value: h.Value})
			}
			got = append(got, m)
		})
	}
	if !reflect.DeepEqual(got, sent) {
		t.Errorf("another client read %#v, want %#v", got, sent)
	}
	if _, err := l.Produce(ctx, l.cfg.Topics[0], 1, nil); err != nil {
		t.Errorf("nothing to write: %v", err)
	}
}

func TestWritesWaitForAllInSyncReplicas(t *testing.T) {
	c := fakeKafka(t)
	l := member(t, c.ListenAddrs())
	var acks int16
	var timeout int32
	c.Fault(kfake.Fault{Keys: keys(kmsg.Produce), Observe: true, When: func(r kmsg.Request) bool {
		p := r.(*kmsg.ProduceRequest)
		acks, timeout = p.Acks, p.TimeoutMillis
		return true
	}})
	if _, err := l.Produce(soon(t), produced, 0, []consumer.Message{{Value: []byte("v")}}); err != nil {
		t.Fatal(err)
	}
	// A dead replica is fenced after 9 s. A shorter timeout would write records twice.
	if acks != -1 || timeout < 15_000 {
		t.Errorf("acks %d within %d ms, want -1 (all) and ample time", acks, timeout)
	}
}

func TestABatchLargerThanTheTopicTakes(t *testing.T) {
	tooLarge(t, fakeKafka(t).ListenAddrs())
}

func tooLarge(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	l := member(t, brokers, change...)
	limit, known, err := l.MaxMessageBytes(soon(t), l.cfg.Topics[0])
	if err != nil || !known {
		t.Fatalf("limit %d, known %v, %v", limit, known, err)
	}
	random := make([]byte, limit+1)
	_, _ = rand.NewChaCha8([32]byte{}).Read(random)
	_, err = l.Produce(soon(t), l.cfg.Topics[0], 0, []consumer.Message{{Value: random}})
	if !errors.Is(err, consumer.ErrTooLarge) {
		t.Errorf("%d bytes: %v, want ErrTooLarge", limit+1, err)
	}
	// The dead letter of a compressed record must fit too.
	large := bytes.Repeat([]byte(`{"attempt":1}`), limit)
	first, err := l.Produce(soon(t), l.cfg.Topics[0], 0, []consumer.Message{{Value: large}})
	if err != nil {
		t.Fatalf("%d bytes that compress well: %v", len(large), err)
	}
	page, err := l.Fetch(soon(t), l.cfg.Topics[0], 0, first, len(large)+100)
	if err != nil || len(page.Records) == 0 || !bytes.Equal(page.Records[0].Value, large) {
		t.Errorf("%d records come back, %v", len(page.Records), err)
	}
	if _, err := l.Produce(soon(t), l.cfg.Topics[0], 0, []consumer.Message{{Value: bytes.Repeat([]byte("x"), limit-1024)}}); err != nil {
		t.Errorf("a little less than the limit: %v", err)
	}
}

// A broker closes the connection if a request exceeds its socket.request.max.bytes.
func TestABrokerThatHangsUpOnALargeMessageIsNotBlamed(t *testing.T) {
	c := fakeKafka(t)
	l := member(t, c.ListenAddrs())
	var times int
	hangUp := func(always bool) {
		c.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
			if times++; always || times == 1 {
				c.KeepControl()
				return nil, errors.New("too large"), true
			}
			return nil, nil, false
		})
	}
	random := make([]byte, 900<<10)
	_, _ = rand.NewChaCha8([32]byte{}).Read(random)
	hangUp(false)
	if _, err := l.Produce(soon(t), produced, 0, []consumer.Message{{Value: slices.Concat(random, make([]byte, 1<<20))}}); err != nil || times < 2 {
		t.Errorf("a broker that closed the connection once, after %d requests: %v", times, err)
	}
	hangUp(true)
	for size, large := range map[int]bool{100: false, 2 << 20: true} {
		_, err := l.Produce(soon(t), produced, 0, []consumer.Message{{Value: make([]byte, size)}})
		if err == nil || errors.Is(err, consumer.ErrTooLarge) != large {
			t.Errorf("%d bytes: %v", size, err)
		}
	}
}

// The partitions are those of Kafka's Java producer. The hashes are from the tests of its
// murmur2.
func TestPartitionIsTheJavaProducers(t *testing.T) {
	hashes := map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	}
	l := member(t, fakeKafka(t).ListenAddrs())
	for key, hash := range hashes {
		got, err := l.PartitionFor(soon(t), produced, []byte(key))
		if want := int(hash&0x7fffffff) % 2; err != nil || got != want {
			t.Errorf("%q goes to %d, %v; want %d", key, got, err, want)
		}
	}
	if _, err := l.PartitionFor(soon(t), "nowhere", []byte("k")); !errors.Is(err, consumer.ErrUnknownTopic) {
		t.Errorf("partition of a missing topic: %v", err)
	}
}

func TestKeylessMessagesTakeTurns(t *testing.T) {
	l := member(t, fakeKafka(t).ListenAddrs())
	times := map[int]int{}
	for range 10 {
		p, err := l.PartitionFor(soon(t), produced, nil)
		if err != nil {
			t.Fatal(err)
		}
		times[p]++
	}
	if times[0] != 5 || times[1] != 5 {
		t.Errorf("turns %v, want 5 each", times)
	}
}
