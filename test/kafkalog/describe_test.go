package kafkalog_test

import (
	"errors"
	"slices"
	"testing"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
)

func TestTheClusterIsDescribed(t *testing.T) {
	fake := fakeKafka(t)
	l := member(t, fake.ListenAddrs())
	ctx := soon(t)
	if got, err := l.Brokers(ctx); err != nil || !slices.Equal(got, fake.ListenAddrs()) {
		t.Errorf("brokers %q, %v; want %q", got, err, fake.ListenAddrs())
	}
	s, err := l.DescribeTopic(ctx, consumed)
	if err != nil || s.Partitions != 2 || s.Replicas < 1 || s.InSync < 1 || s.Leaderless != 0 {
		t.Errorf("%+v, %v", s, err)
	}
	if _, err := l.DescribeTopic(ctx, "missing"); !errors.Is(err, consumer.ErrUnknownTopic) {
		t.Errorf("a missing topic: %v", err)
	}
	if g, err := l.DescribeGroup(ctx); err != nil || len(g.Clients) != 0 {
		t.Errorf("before any member joined: %+v, %v", g, err)
	}
}

func TestAGroupIsDescribedFromOutside(t *testing.T) {
	fake := fakeKafka(t)
	inside, outside := member(t, fake.ListenAddrs()), member(t, fake.ListenAddrs(), func(c *kafkalog.Config) { c.ClientID = "outside" })
	ctx := soon(t)
	if at, err := outside.Positions(ctx); err != nil || len(at) != 0 {
		t.Errorf("positions of an unknown group: %v, %v", at, err)
	}
	g := join(t, inside)
	want := consumer.Position{Offset: 7, Metadata: "text"}
	if err := g.Commit(ctx, map[int]consumer.Position{1: want}); err != nil {
		t.Fatal(err)
	}
	if at, err := outside.Positions(ctx); err != nil || len(at) != 1 || at[1] != want {
		t.Errorf("positions %v, %v", at, err)
	}
	if s, err := outside.DescribeGroup(ctx); err != nil || s.State != "Stable" || s.Protocol != "consumer" || !slices.Equal(s.Clients, []string{"test"}) {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestProduceTellsTheOffset(t *testing.T) {
	l := member(t, fakeKafka(t).ListenAddrs())
	ctx := soon(t)
	message := consumer.Message{Value: []byte("v")}
	for _, want := range []int64{0, 2, 4} {
		if at, err := l.Produce(ctx, consumed, 1, []consumer.Message{message, message}); err != nil || at != want {
			t.Errorf("at %d, %v; want %d", at, err, want)
		}
	}
}
