//go:build kafka

package kafkalog_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/segmentio/kafka-go/sasl/plain"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/testkafka"
)

// A frozen broker accepts connections and keeps them open. Each request must fail by its
// own timeout, well before the context ends.
func TestKafkaFrozenBrokerIsNotWaitedForForEver(t *testing.T) {
	c := shared(t)
	c.NeedOwn(t)
	use := own(t, c, nil)
	l := member(t, c.Addrs(), use)
	topic := l.cfg.Topic
	g := join(t, l)
	if _, err := l.Fetch(soon(t), topic, 0, 0, 1<<20); err != nil {
		t.Fatal(err)
	}
	login := func(cfg *kafkalog.Config) {
		cfg.SASL = plain.Mechanism{Username: testkafka.User, Password: testkafka.Password}
	}
	newcomer := member(t, c.AddrsOf(testkafka.SASLPlaintext), use, login)

	if err := c.Pause(0); err != nil {
		t.Fatal(err)
	}
	// Far longer than the requests' own limits.
	ctx, cancel := context.WithTimeout(t.Context(), 3*testTimeout)
	defer cancel()
	results := map[string]chan error{}
	for what, do := range map[string]func() error{
		"fetch":  func() error { _, err := l.Fetch(ctx, topic, 0, 0, 1<<20); return err },
		"bounds": func() error { _, _, err := l.Bounds(ctx, topic, 0); return err },
		// A commit waits until its context ends.
		"commit": func() error { return g.Commit(soon(t), map[int]consumer.Position{0: {Offset: 1}}) },
		"join":   func() error { _, err := newcomer.Join(ctx); return err },
		"ask":    func() error { _, err := newcomer.Partitions(ctx, topic); return err },
	} {
		result := make(chan error, 1)
		results[what] = result
		go func() { result <- do() }()
	}
	for what, result := range results {
		err := <-result
		if err == nil || ctx.Err() != nil || errors.Is(err, consumer.ErrUnknownTopic) {
			t.Errorf("%s: %v, after its context's end: %v", what, err, errors.Is(ctx.Err(), context.DeadlineExceeded))
		}
	}
	if err := c.Resume(0); err != nil {
		t.Fatal(err)
	}
	g.Release()
	if err := l.Leave(soon(t)); err != nil {
		t.Error(err)
	}
	// The controller was frozen too. It may notice only now that the broker's session has
	// expired, and take its partitions away for a moment.
	until(t, "the newcomer can work", func() bool {
		g, err := newcomer.Join(soon(t))
		if err == nil {
			_, producing := newcomer.Produce(soon(t), topic, 1, []consumer.Message{{Value: []byte("v")}})
			err = errors.Join(producing,
				g.Commit(soon(t), map[int]consumer.Position{1: {Offset: 1}}))
			g.Release()
		}
		if err != nil {
			t.Log(err)
		}
		return err == nil
	})
}

// The stop is shorter than the session, so the member must stay in the group.
func TestKafkaABrokerThatStopsForAWhileEndsNoGeneration(t *testing.T) {
	c := shared(t)
	c.NeedOwn(t)
	l := member(t, c.Addrs(), own(t, c, nil))
	g := join(t, l)
	defer g.Release()
	at := map[int]consumer.Position{0: {Offset: 1}}
	if err := g.Commit(soon(t), at); err != nil {
		t.Fatal(err)
	}
	if err := c.Pause(0); err != nil {
		t.Fatal(err)
	}
	const stopped = 7 * time.Second // longer than the timeout of requests that are answered at once
	committed := make(chan error, 1)
	go func() { committed <- g.Commit(soon(t), at) }()
	time.Sleep(stopped)
	if err := c.Resume(0); err != nil {
		t.Fatal(err)
	}
	if err := <-committed; err != nil {
		t.Errorf("the commit that waited: %v", err)
	}
	for began := time.Now(); time.Since(began) < 5*time.Second; time.Sleep(500 * time.Millisecond) {
		if err := g.Commit(soon(t), at); err != nil {
			t.Errorf("a commit afterwards: %v", err)
		}
		select {
		case <-g.Ended():
			t.Fatal("the generation has ended")
		default:
		}
	}
}
