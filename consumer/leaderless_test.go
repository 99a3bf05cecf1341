package consumer_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/simulation/memlog"
)

// leaderless has one partition whose leader does not answer.
type leaderless struct {
	consumer.Client
	partition int
}

func (l leaderless) Bounds(ctx context.Context, topic string, p int) (first, next int64, err error) {
	if p == l.partition {
		return 0, 0, errors.New("no leader")
	}
	return l.Client.Bounds(ctx, topic, p)
}

func TestOnePartitionWithoutALeaderHoldsUpNoOther(t *testing.T) {
	inWorld(t, 4, func(w *world) {
		for p := range 4 {
			w.append(p, 3)
		}
		a := w.start("a", nil, func(c *consumer.Config) { c.Client = leaderless{c.Client, 2} })
		time.Sleep(time.Minute)
		if n := len(w.calls()); n != 9 {
			t.Errorf("%d calls for the nine events that can be read", n)
		}
		for _, p := range a.c.Status().Partitions {
			if (p.Problem != "") != (p.Partition == 2) {
				t.Errorf("partition %d: %q", p.Partition, p.Problem)
			}
		}
		a.stop()
	})
}

// eightPartitions has eight partitions to publish to and accepts nothing.
type eightPartitions struct{ consumer.Client }

func (eightPartitions) PartitionFor(_ context.Context, _ string, key []byte) (int, error) {
	return int(key[0]) % 8, nil
}

func (eightPartitions) Produce(_ context.Context, topic string, p int, _ []consumer.Message) (int64, error) {
	return 0, fmt.Errorf("write to %s/%d: connection refused", topic, p)
}

func TestPublishingThatFailsIsSaidOncePerPartition(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		a := w.start("a", func(_ context.Context, d *consumer.Delivery) error {
			m := answer(d)
			m.Key = []byte{byte(d.Offset)}
			return publish(d, m)
		}, func(c *consumer.Config) { c.Client = eightPartitions{c.Client} })
		w.append(0, 16)
		time.Sleep(time.Second)
		before := len(w.logs.AllEntries())
		time.Sleep(time.Minute)
		if n := len(w.logs.AllEntries()) - before; n > 0 {
			t.Errorf("%d further lines in a minute", n)
		}
		a.stop()
	})
}

// halfLeaderless has two partitions to publish to. The second one, for the key "stuck", has
// no leader.
type halfLeaderless struct{ consumer.Client }

func (halfLeaderless) PartitionFor(_ context.Context, _ string, key []byte) (int, error) {
	if string(key) == "stuck" {
		return 1, nil
	}
	return 0, nil
}

func (l halfLeaderless) Produce(ctx context.Context, topic string, p int, m []consumer.Message) (int64, error) {
	if p == 1 {
		return 0, errors.New("no leader")
	}
	return l.Client.Produce(ctx, topic, p, m)
}

func TestWhatADrainAnsweredIsCommittedThoughAnotherEventOverranIt(t *testing.T) {
	inWorld(t, 1, func(w *world) {
		a := w.start("a", func(ctx context.Context, d *consumer.Delivery) error {
			m := answer(d)
			if d.Offset == 0 {
				m.Key = []byte("stuck")
			} else {
				<-ctx.Done() // a call in flight when the stop comes
				time.Sleep(14 * time.Second)
			}
			return publish(d, m)
		}, func(c *consumer.Config) { c.Client = halfLeaderless{c.Client} })
		w.append(0, 11)
		time.Sleep(3 * time.Second)
		a.stop()
		if low, m := w.committed(0); low != 0 || len(m.Done) != 1 || m.Done[0] != (consumer.Interval{From: 1, To: 11}) {
			t.Errorf("committed %d, %+v with %d answers", low, m, len(w.answers()))
		}
	})
}

func TestAPositionIsStaleOnlyUntilTheNextOwnersCommit(t *testing.T) {
	inWorld(t, 2, func(w *world) {
		w.append(0, 5)
		w.append(1, 5)
		b, c := w.start("b", nil), w.start("c", nil)
		time.Sleep(5 * time.Second)
		b.member.SetFault(slow(memlog.Commit, 2*time.Second))
		w.broker.Truncate(topic, 1, 2) // c detects it
		time.Sleep(700 * time.Millisecond)
		d := w.start("d", nil) // and d gets the partition
		time.Sleep(10 * time.Second)
		b.member.SetFault(nil)
		w.append(1, 20)
		time.Sleep(10 * time.Second)
		before := len(w.calls())
		d.stop() // c gets it back
		time.Sleep(10 * time.Second)
		b.stop()
		c.stop()
		if n := len(w.calls()) - before; n > 0 {
			t.Errorf("a clean stop repeated %d calls", n)
		}
	})
}
