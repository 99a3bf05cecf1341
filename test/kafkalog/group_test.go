package kafkalog_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"remux-retrier/consumer"
	"remux-retrier/consumer/kafkalog"
)

// maxMetadata is how many bytes of metadata the client sends at most with a commit. By
// default Kafka accepts 4096.
const maxMetadata = 4000

func TestRebalanceLetsTheOldOwnerCommitUntilItReleases(t *testing.T) {
	rebalance(t, fakeKafka(t).ListenAddrs())
}

// rebalance lets a second member join, and checks what both members see.
func rebalance(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	ctx := soon(t)
	a, b := member(t, brokers, change...), member(t, brokers, change...)
	first := join(t, a)
	if got := first.Assigned(); !slices.Equal(got, []int{0, 1}) {
		t.Fatalf("alone, a has %v, want all", got)
	}
	joined := make(chan consumer.Generation, 1)
	go func() {
		for ctx.Err() == nil {
			if g, err := b.Join(ctx); err == nil {
				joined <- g
				return
			}
		}
	}()
	select {
	case <-first.Ended():
	case <-ctx.Done():
		t.Fatal("a did not notice that b joins")
	}
	if err := first.Commit(ctx, map[int]consumer.Position{0: {Offset: 4, Metadata: "drained"}}); err != nil {
		t.Fatalf("commit while draining: %v", err)
	}
	first.Release()
	second := join(t, a)
	var theirs consumer.Generation
	select {
	case theirs = <-joined:
	case <-ctx.Done():
		t.Fatal("b did not join")
	}
	if all := slices.Sorted(slices.Values(append(second.Assigned(), theirs.Assigned()...))); !slices.Equal(all, []int{0, 1}) {
		t.Errorf("a has %v, b has %v: want each partition once", second.Assigned(), theirs.Assigned())
	}
	if second.ID() <= first.ID() || second.ID() != theirs.ID() {
		t.Errorf("generations %d, then %d and %d: want one, later than the first", first.ID(), second.ID(), theirs.ID())
	}
	err := first.Commit(ctx, map[int]consumer.Position{0: {Offset: 9}})
	if !errors.Is(err, consumer.ErrNotOwner) {
		t.Errorf("commit under the old generation: %v, want ErrNotOwner", err)
	}
	positions := map[int]consumer.Position{}
	for _, g := range []consumer.Generation{second, theirs} {
		got, err := g.Committed(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for p, pos := range got {
			positions[p] = pos
		}
	}
	if want := (consumer.Position{Offset: 4, Metadata: "drained"}); len(positions) != 1 || positions[0] != want {
		t.Errorf("positions %v, want only %v for partition 0", positions, want)
	}
}

func TestReleaseOfALivingGenerationRejoins(t *testing.T) {
	l := member(t, fakeKafka(t).ListenAddrs())
	first := join(t, l)
	first.Release()
	select {
	case <-first.Ended():
	case <-time.After(testTimeout):
		t.Fatal("a released generation has not ended")
	}
	if second := join(t, l); !slices.Equal(second.Assigned(), []int{0, 1}) {
		t.Errorf("assigned %v after rejoining, want all", second.Assigned())
	}
}

func TestALostCoordinatorEndsTheGeneration(t *testing.T) {
	c := fakeKafka(t)
	g := join(t, member(t, c.ListenAddrs()))
	c.Close()
	select {
	case <-g.Ended():
	case <-time.After(testTimeout):
		t.Fatal("the generation goes on without a broker")
	}
}

func TestLeaveFreesThePartitionsAtOnce(t *testing.T) {
	brokers := fakeKafka(t).ListenAddrs()
	// The session is longer than the test waits.
	long := func(c *kafkalog.Config) { c.SessionTimeout = 2 * testTimeout }
	a := member(t, brokers, long)
	g := join(t, a)
	if err := a.Leave(soon(t)); err != nil {
		t.Fatal(err)
	}
	select {
	case <-g.Ended():
	case <-time.After(testTimeout):
		t.Fatal("the generation outlives the membership")
	}
	if _, err := a.Join(soon(t)); !errors.Is(err, kafkalog.ErrLeft) {
		t.Errorf("Join after Leave: %v", err)
	}
	if got := join(t, member(t, brokers, long)).Assigned(); !slices.Equal(got, []int{0, 1}) {
		t.Errorf("the next member has %v, want all", got)
	}
}

func TestAMemberThatNeverJoinedLeavesWithoutABroker(t *testing.T) {
	l := member(t, []string{"127.0.0.1:1"})
	if err := l.Leave(soon(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Join(soon(t)); !errors.Is(err, kafkalog.ErrLeft) {
		t.Errorf("Join after Leave: %v", err)
	}
}

func TestJoinReturnsWithItsContext(t *testing.T) {
	brokers := fakeKafka(t).ListenAddrs()
	join(t, member(t, brokers)) // it is never released, so the second member must wait
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	waiting, err := kafkalog.New(kafkalog.Config{Brokers: brokers, GroupID: "retrier", Topic: consumed})
	if err != nil {
		t.Fatal(err)
	}
	defer waiting.Close() // also ends a join that waits for the other member
	if _, err := waiting.Join(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Join: %v, want its context's end", err)
	}
	if err := waiting.Leave(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Leave while waiting in the group: %v, want its context's end", err)
	}
}

func TestCommitKeepsMetadataAndNoLeaderEpoch(t *testing.T) {
	commitRoundTrip(t, fakeKafka(t).ListenAddrs())
}

func commitRoundTrip(t *testing.T, brokers []string, change ...func(*kafkalog.Config)) {
	ctx := soon(t)
	l := member(t, brokers, change...)
	g := join(t, l)
	if got, err := g.Committed(ctx); err != nil || len(got) != 0 {
		t.Fatalf("before any commit: %v, %v; want no position", got, err)
	}
	full := consumer.Position{Offset: 7, Metadata: strings.Repeat("é", maxMetadata/2)}
	if err := g.Commit(ctx, map[int]consumer.Position{1: full}); err != nil {
		t.Fatal(err)
	}
	got, err := g.Committed(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 1 || got[1] != full {
		t.Errorf("read back %v", got)
	}
	offsets, err := kadm.NewClient(other(t, brokers)).FetchOffsets(ctx, l.cfg.GroupID)
	if err != nil {
		t.Fatal(err)
	}
	stored, ok := offsets.Lookup(l.cfg.Topic, 1)
	if !ok || stored.At != 7 || stored.LeaderEpoch != -1 {
		t.Errorf("another client sees %+v, want offset 7 of an unknown leader epoch", stored.Offset)
	}
}

func TestCommitsThatMustNotBeSentAreRefused(t *testing.T) {
	c := fakeKafka(t)
	ctx := soon(t)
	g := join(t, member(t, c.ListenAddrs()))
	seen := c.Fault(kfake.Fault{Keys: keys(kmsg.OffsetCommit), Observe: true, Count: -1})

	if err := g.Commit(ctx, map[int]consumer.Position{2: {Offset: 1}}); !errors.Is(err, consumer.ErrNotOwner) {
		t.Errorf("a partition that is not assigned: %v, want ErrNotOwner", err)
	}
	if err := g.Commit(ctx, map[int]consumer.Position{0: {Metadata: strings.Repeat("x", maxMetadata+1)}}); err == nil {
		t.Error("metadata longer than the broker stores was accepted")
	}
	if err := g.Commit(ctx, nil); err != nil {
		t.Errorf("no position: %v", err)
	}
	if n := seen.Hits(); n != 0 {
		t.Errorf("%d commits were sent", n)
	}
}
