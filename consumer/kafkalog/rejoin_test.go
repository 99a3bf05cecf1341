package kafkalog

import (
	"context"
	"errors"
	"testing"

	"remux-retrier/consumer"
)

// Kafka lets a member that does not lead a stable group back into the generation
// that it gave up, where a commit left behind could still be stored.
func TestACommitWithoutAnAnswerIsRefusedAfterRejoining(t *testing.T) {
	leftBehind(t, fakeKafka(t).ListenAddrs())
}

func leftBehind(t *testing.T, brokers []string, change ...func(*Config)) {
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
	unanswered, cancel := context.WithCancel(t.Context())
	cancel()
	if old.Commit(unanswered, late) == nil {
		t.Fatal("answered")
	}
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
		t.Errorf("the commit that was left behind is answered by %v, want ErrNotOwner", err)
	}
}
