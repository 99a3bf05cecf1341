package kafkalog_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kmsg"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
)

func TestLeavingCostsTheOthersOneRebalance(t *testing.T) {
	leaveAlive(t, fakeKafka(t).ListenAddrs())
}

// leaveAlive lets members leave while their generation goes on, the usual case.
func leaveAlive(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	stays := member(t, brokers, change...)
	g := join(t, stays)
	for range 3 {
		leaves := member(t, brokers, change...)
		leavers := joined(t, leaves)
		<-g.Ended()
		g.Release()
		both := join(t, stays)
		theirs := <-leavers
		if theirs == nil || theirs.ID() != both.ID() {
			t.Fatalf("generation %d, the other member's is %v", both.ID(), theirs)
		}
		if err := leaves.Leave(soon(t)); err != nil {
			t.Fatal(err)
		}
		<-both.Ended()
		both.Release()
		g = join(t, stays)
		if got := g.Assigned(); g.ID() != both.ID()+1 || !slices.Equal(got, []int{0, 1}) {
			t.Fatalf("the other has left generation %d; generation %d has %v, want all in the next", both.ID(), g.ID(), got)
		}
	}
}

func TestLeavingDoesNotWaitForTheDrainsOfOthers(t *testing.T) {
	leaveDraining(t, fakeKafka(t).ListenAddrs())
}

// leaveDraining is leaveInARebalance with a member that has not released its generation.
func leaveDraining(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	leaveInARebalance(t, false, brokers, change)
}

// leaveJoining is leaveInARebalance with a member that has released it, so that kafka-go
// waits for the others. Unlike Kafka, the fake broker does not answer the join of a removed
// member.
func leaveJoining(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	leaveInARebalance(t, true, brokers, change)
}

// leaveInARebalance lets a member leave while another one finishes its calls.
func leaveInARebalance(t *testing.T, released bool, brokers []string, change []func(*kafkalog.Config)) {
	drains, leaves := member(t, brokers, change...), member(t, brokers, change...)
	first := join(t, drains)
	leavers := joined(t, leaves)
	<-first.Ended()
	first.Release()
	draining := join(t, drains)
	theirs := <-leavers
	comers := joined(t, member(t, brokers, change...))
	<-draining.Ended()
	<-theirs.Ended()
	if released {
		theirs.Release()
	}
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout/4)
	defer cancel()
	if err := leaves.Leave(ctx); err != nil {
		t.Errorf("another member drains: %v", err)
	}
	draining.Release()
	next := join(t, drains)
	if comer := <-comers; comer == nil || len(next.Assigned()) != 1 || len(comer.Assigned()) != 1 {
		t.Errorf("two members are left, one has %v", next.Assigned())
	}
}

// Kafka never answers the SyncGroup of a member that has left by then.
func TestLeavingWaitsForNoAssignmentThatNeverComes(t *testing.T) {
	c := fakeKafka(t)
	leaves := member(t, c.ListenAddrs())
	g := join(t, leaves)
	syncing, end := make(chan struct{}), make(chan struct{})
	defer close(end)
	c.ControlKey(int16(kmsg.SyncGroup), func(kmsg.Request) (kmsg.Response, error, bool) {
		close(syncing)
		c.SleepControl(func() { <-end })
		return nil, nil, false
	})
	g.Release()
	<-syncing // it joins again before it leaves
	ctx, cancel := context.WithTimeout(t.Context(), testTimeout/4)
	defer cancel()
	if err := leaves.Leave(ctx); err != nil {
		t.Error(err)
	}
}

// joined joins in the background. The channel yields nil if that fails.
func joined(t *testing.T, l *subject) <-chan consumer.Generation {
	ctx, result := soon(t), make(chan consumer.Generation, 1)
	go func() {
		defer close(result)
		for ctx.Err() == nil {
			g, err := l.Join(ctx)
			if err == nil {
				result <- g
				return
			}
			if errors.Is(err, kafkalog.ErrLeft) {
				return
			}
		}
	}()
	return result
}

func TestHeartbeatsTellOfARebalanceSoon(t *testing.T) {
	brokers := fakeKafka(t).ListenAddrs()
	long := func(c *kafkalog.Config) { c.SessionTimeout = time.Minute }
	g := join(t, member(t, brokers, long))
	began := time.Now()
	third := joined(t, member(t, brokers, long))
	<-g.Ended()
	// This allows for the join's own connection and a busy machine, but not for a second.
	if took := time.Since(began); took > 900*time.Millisecond {
		t.Errorf("a rebalance was noticed after %v", took)
	}
	g.Release()
	<-third
}
