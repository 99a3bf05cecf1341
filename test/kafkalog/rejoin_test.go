package kafkalog_test

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kmsg"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
)

// A member that is not the leader of a stable group may rejoin the generation that it has
// released. A commit from before could then still be stored.
func TestACommitWithoutAnAnswerIsRefusedAfterRejoining(t *testing.T) {
	leftBehind(t, fakeKafka(t).ListenAddrs())
}

func leftBehind(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	leader, other := member(t, brokers, change...), member(t, brokers, change...)
	first := join(t, leader)
	joining := joined(t, other)
	<-first.Ended()
	first.Release()
	led, old := join(t, leader), <-joining
	if old == nil || len(old.Assigned()) == 0 {
		t.Fatal("the second member was assigned nothing")
	}

	p := old.Assigned()[0]
	late := map[int]consumer.Position{p: {Offset: 3, Metadata: "late"}}
	unanswered(t, other, old, late)
	old.Release()
	joining = joined(t, other)
	<-led.Ended()
	led.Release()
	led = join(t, leader)
	defer led.Release()
	again := <-joining
	if again == nil {
		t.Fatal("it could not join again")
	}
	defer again.Release()
	if again.ID() == old.ID() {
		t.Errorf("still in generation %d", old.ID())
	}
	if err := old.Commit(t.Context(), late); !errors.Is(err, consumer.ErrNotOwner) {
		t.Errorf("the commit from before is answered by %v, want ErrNotOwner", err)
	}
}

// unanswered sends a commit without waiting for its answer.
func unanswered(t *testing.T, l *subject, g consumer.Generation, at map[int]consumer.Position) {
	t.Helper()
	for end := time.Now().Add(testTimeout); time.Now().Before(end); {
		ctx, cancel := context.WithCancel(t.Context())
		before, committed := l.Requests(), make(chan error, 1)
		go func() { committed <- g.Commit(ctx, at) }()
		for l.Requests() == before && len(committed) == 0 {
			runtime.Gosched() // until it is sent; the answer usually takes longer
		}
		cancel()
		if err := <-committed; err != nil && !errors.Is(err, consumer.ErrCommitRefused) {
			return
		}
	}
	t.Fatal("each commit was answered, or was not sent")
}

func TestACommitThatWasNotSentIsToldFromOneThatMayBeStored(t *testing.T) {
	c := fakeKafka(t)
	l := member(t, c.ListenAddrs())
	g := join(t, l)
	at := map[int]consumer.Position{g.Assigned()[0]: {Offset: 1}}
	ctx, cancel := context.WithCancel(t.Context())
	returned := make(chan struct{})
	c.ControlKey(int16(kmsg.OffsetCommit), func(kmsg.Request) (kmsg.Response, error, bool) {
		cancel()
		<-returned
		return nil, nil, false
	})
	err := g.Commit(ctx, at)
	close(returned)
	if err == nil || errors.Is(err, consumer.ErrCommitRefused) {
		t.Errorf("it may be stored: %v", err)
	}
	if err := g.Commit(ctx, at); !errors.Is(err, consumer.ErrCommitRefused) {
		t.Errorf("it was not sent: %v", err)
	}
}

// A member that notices added partitions must be able to get them assigned, and must know
// the partition count of an assignment.
func TestAddedPartitionsAreAssignedOnceTheLeaderReturns(t *testing.T) {
	addedPartitions(t, fakeKafka(t).ListenAddrs())
}

func addedPartitions(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	leader, second := member(t, brokers, change...), member(t, brokers, change...)
	first := join(t, leader)
	if of, leads := first.Leads(); !leads || of != 2 {
		t.Errorf("alone: leads %t, of %d partitions", leads, of)
	}
	joining := joined(t, second)
	<-first.Ended()
	first.Release()
	led, followed := join(t, leader), <-joining
	if followed == nil {
		t.Fatal("the second member could not join")
	}
	if of, leads := led.Leads(); !leads || of != 2 {
		t.Errorf("the leader: leads %t, of %d partitions", leads, of)
	}
	if _, leads := followed.Leads(); leads {
		t.Error("both lead")
	}

	ctx, topic := soon(t), leader.cfg.Topic
	admin := kadm.NewClient(other(t, brokers))
	if res, err := admin.UpdatePartitions(ctx, 3, topic); err != nil || res[topic].Err != nil {
		t.Fatal(err, res)
	}
	until(t, "the third partition to be known", func() bool {
		n, err := leader.Partitions(ctx, topic)
		return err == nil && n == 3
	})
	led.Release()
	<-followed.Ended()
	followed.Release()
	joining = joined(t, second)
	led, followed = join(t, leader), <-joining
	if followed == nil {
		t.Fatal("the second member could not join again")
	}
	all := slices.Sorted(slices.Values(append(led.Assigned(), followed.Assigned()...)))
	if of, leads := led.Leads(); !leads || of != 3 || !slices.Equal(all, []int{0, 1, 2}) {
		t.Errorf("leads %t, of %d partitions, and %v are assigned", leads, of, all)
	}
}

// With another program in the group, or an instance with another topic, the leader also
// assigns other topics' partitions.
func TestOnlyTheConsumedTopicsPartitionsAreCounted(t *testing.T) {
	brokers := fakeKafka(t).ListenAddrs()
	l := member(t, brokers)
	first := join(t, l)
	joining := joined(t, member(t, brokers, func(c *kafkalog.Config) { c.Topic = produced }))
	<-first.Ended()
	first.Release()
	led := join(t, l)
	if followed := <-joining; followed == nil {
		t.Fatal("the second member could not join")
	}
	if of, leads := led.Leads(); !leads || of != 2 {
		t.Errorf("leads %t, of %d partitions, want 2", leads, of)
	}
}
