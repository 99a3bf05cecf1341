package receive

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus/hooks/test"

	"remux-retrier/consumer"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/smnsim"
)

// partial is a Kafka of eight partitions, of which one may be away.
type partial struct {
	fakeKafka
	away atomic.Int32
	of   int // 0: eight
}

func (k *partial) Partitions(ctx context.Context, topic string) (int, error) {
	if k.of > 0 {
		return k.of, nil
	}
	return k.fakeKafka.Partitions(ctx, topic)
}

func (k *partial) Bounds(_ context.Context, _ string, partition int) (first, next int64, err error) {
	if partition == int(k.away.Load()) {
		return 0, 0, errors.New("no leader")
	}
	return 0, 0, nil
}

func TestEachPartitionIsLookedAt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := test.NewNullLogger()
		k := &partial{}
		k.away.Store(-1)
		topic := newTopic(k, "remux.failed", clock.System, log)
		if ok, _ := topic.reachable(); ok {
			t.Error("it can be reached before anybody has looked")
		}
		ctx, stop := context.WithCancel(t.Context())
		ended, beats := make(chan struct{}), 0
		go func() { defer close(ended); topic.watch(ctx, func() { beats++ }) }()
		synctest.Wait()
		if ok, detail := topic.reachable(); !ok || detail != "remux.failed has 8 partitions" {
			t.Errorf("%v, %q", ok, detail)
		}
		k.away.Store(5)
		time.Sleep(8*checkEvery + time.Millisecond)
		if ok, detail := topic.reachable(); ok || detail != "partition 5: no leader" {
			t.Errorf("%v, %q", ok, detail)
		}
		k.away.Store(-1)
		time.Sleep(2*checkEvery + time.Millisecond)
		if ok, detail := topic.reachable(); !ok {
			t.Errorf("a partition that is back is found late: %q", detail)
		}
		stop()
		<-ended
		if beats < 10 {
			t.Errorf("%d beats", beats)
		}
	})
}

func TestATopicThatIsCreatedAnewWithFewerPartitionsIsReady(t *testing.T) {
	log, _ := test.NewNullLogger()
	k := &partial{}
	k.away.Store(5)
	topic := newTopic(k, "remux.failed", clock.System, log)
	for range 8 {
		topic.check(t.Context())
	}
	k.of = 2
	for range 8 {
		topic.check(t.Context())
	}
	if ok, detail := topic.reachable(); !ok {
		t.Error(detail)
	}
}

// An instance that is not ready gets no message that could show it the contrary.
func TestAFailedWriteIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log, _ := test.NewNullLogger()
		k := &fakeKafka{away: errors.New("fewer replicas are in sync than min.insync.replicas")}
		topic := newTopic(k, "remux.failed", clock.System, log)
		_ = topic.publish(t.Context(), []byte("1"), nil)
		if ok, _ := topic.writable(); ok {
			t.Error("a write has failed")
		}
		time.Sleep(failedFor)
		if ok, _ := topic.writable(); !ok {
			t.Error("not tried again")
		}
		_ = topic.publish(t.Context(), []byte("1"), nil)
		k.set(nil)
		_ = topic.publish(t.Context(), []byte("1"), nil)
		if ok, _ := topic.writable(); !ok {
			t.Error("a write has succeeded")
		}
	})
}

// Only the operator can make the topic accept it. Others are accepted meanwhile.
func TestARecordThatTheTopicRejectsIsAnswered503AndLeavesTheInstanceReady(t *testing.T) {
	b := start(t, smnsim.Config{}, nil)
	until(t, b.Ready)
	const most = 100_000
	b.kafka.check = func(m consumer.Message) error {
		if len(m.Value) > most {
			return fmt.Errorf("write to remux.failed/3: %w", consumer.ErrTooLarge)
		}
		return nil
	}
	large := b.message(smnsim.Notification, smnsim.TaskEnded("1", "FAILED", "MPC.10105", strings.Repeat("x", most)), nil)
	for range 20 {
		b.sends(503, "a large notification", large.Body())
		if ok, detail := b.topic.writable(); !ok {
			t.Fatalf("not ready: %s", detail)
		}
	}
	b.sends(200, "a usual one", b.failure("2").Body())
	if b.counted(unavailable, "rejected") != 20 {
		t.Error("not counted")
	}
	if n := b.said("topic remux.failed rejects its record of 100"); n < 1 || n > 2 || b.said("max.message.bytes") != n || b.said("are answered 503, because") != 0 {
		t.Errorf("said %d times; the last line: %s", n, b.lastLine())
	}
}

// Another partition may fail while one is away.
func TestAllPartitionsAreLookedAtWhileOneIsAway(t *testing.T) {
	for of := 1; of <= 8; of++ {
		k, seen := &topic{unreachable: map[int]string{0: "away"}}, map[int]int{}
		for range 4 * of {
			seen[k.nextToCheck(of)]++
		}
		if len(seen) != of || seen[0] < 2*of {
			t.Errorf("of %d partitions, with the first one away: %v", of, seen)
		}
	}
}
