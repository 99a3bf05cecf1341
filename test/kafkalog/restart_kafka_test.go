//go:build kafka

package kafkalog_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/testkafka"
)

func TestKafkaRestartIsSurvivedByTheSameLog(t *testing.T) {
	c := shared(t)
	c.NeedOwn(t)
	// After its crash the broker keeps the member until the session times out.
	l := member(t, c.Addrs(), own(t, c, nil), func(cfg *kafkalog.Config) { cfg.SessionTimeout = 6 * time.Second })
	topic := l.cfg.Topic
	g := join(t, l)
	if _, err := l.Produce(soon(t), topic, 0, []consumer.Message{{Value: []byte("before")}}); err != nil {
		t.Fatal(err)
	}
	if err := c.Kill(0); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Fetch(soon(t), topic, 0, 0, 1<<20); err == nil {
		t.Error("fetched from a dead broker")
	}
	select {
	case <-g.Ended():
	case <-time.After(testTimeout):
		t.Error("the generation goes on without its broker")
	}
	g.Release()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Restart(ctx, 0); err != nil {
		t.Fatal(err)
	}
	again := func(what string, do func() error) {
		t.Helper()
		for {
			err := do()
			if err == nil {
				return
			}
			// With ZooKeeper a broker answers before it knows the topics.
			if errors.Is(err, consumer.ErrUnknownTopic) && !testkafka.ZooKeeper() || ctx.Err() != nil {
				t.Fatalf("%s: %v", what, err)
			}
			t.Log(err)
			time.Sleep(200 * time.Millisecond) // between attempts
		}
	}
	again("produce", func() error {
		_, err := l.Produce(ctx, topic, 0, []consumer.Message{{Value: []byte("after")}})
		return err
	})
	again("fetch", func() error { _, err := l.Fetch(ctx, topic, 0, 0, 1<<20); return err })
	again("join", func() error { var err error; g, err = l.Join(ctx); return err })
	again("commit", func() error { return g.Commit(ctx, map[int]consumer.Position{0: {Offset: 1}}) })
	if got := values(readAll(t, l, topic, 0, 0, 1<<20)); len(got) < 2 || got[0] != "before" || got[1] != "after" {
		t.Errorf("read %q", got)
	}
}
