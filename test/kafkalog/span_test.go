package kafkalog_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
)

func TestSpanBeginsWithTheFirstRecordThatIsYoungEnough(t *testing.T) {
	spans(t, fakeKafka(t).ListenAddrs())
}

func spans(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	l := member(t, brokers, change...)
	ctx, cl := soon(t), other(t, brokers)
	began := time.Now().Add(-time.Hour).Truncate(time.Second)
	for i, after := range []time.Duration{0, 10 * time.Second, 20 * time.Second} {
		r := &kgo.Record{Topic: l.cfg.Topic, Timestamp: began.Add(after), Value: []byte{byte(i)}}
		write(t, cl, r)
	}
	for _, c := range []struct {
		since time.Time
		from  int64
	}{
		{time.Time{}, 0},
		{time.UnixMilli(-2), 0},
		{began.Add(-time.Hour), 0},
		{began.Add(time.Millisecond), 1},
		{began.Add(10 * time.Second), 1},
		{began.Add(20 * time.Second), 2},
		{began.Add(time.Minute), 3},
	} {
		got, err := l.Span(ctx, l.cfg.Topic, 2, c.since)
		want := []consumer.Interval{{From: c.from, To: 3}, {From: 0, To: 0}}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("since %v: %v, %v; want %v", c.since, got, err, want)
		}
	}
	if _, err := l.Span(ctx, l.cfg.Topic, 3, time.Time{}); !errors.Is(err, consumer.ErrUnknownTopic) {
		t.Errorf("a partition that does not exist: %v", err)
	}
	if _, err := l.Span(ctx, l.cfg.Topic+"-missing", 1, time.Time{}); err == nil {
		t.Error("a topic that does not exist has a span")
	}
}

// A reader that waits for the end of an open transaction could wait for ever.
func TestSpanEndsBeforeAnOpenTransaction(t *testing.T) {
	spanOfTransaction(t, fakeKafka(t).ListenAddrs())
}

func spanOfTransaction(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	l := member(t, brokers, change...)
	ctx := soon(t)
	record := func() *kgo.Record { return &kgo.Record{Topic: l.cfg.Topic, Value: []byte("x")} }
	write(t, other(t, brokers), record())
	cl := other(t, brokers, kgo.TransactionalID(l.cfg.Topic))
	if err := cl.BeginTransaction(); err != nil {
		t.Fatal(err)
	}
	write(t, cl, record())
	if got, err := l.Span(ctx, l.cfg.Topic, 1, time.Time{}); err != nil || got[0] != (consumer.Interval{From: 0, To: 1}) {
		t.Errorf("%v, %v; want all before the transaction", got, err)
	}
	if err := cl.EndTransaction(ctx, kgo.TryCommit); err != nil {
		t.Fatal(err)
	}
	until(t, "the transaction's end is seen", func() bool {
		got, err := l.Span(ctx, l.cfg.Topic, 1, time.Time{})
		return err == nil && got[0].To == 3
	})
}
