package simulation

import (
	"testing"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

func TestCommitThatHidesACallIsFound(t *testing.T) {
	w, e, i := quietWorld(t)
	i.assigned, w.owners = []int{e.partition}, map[int]*instance{e.partition: i}
	i.called(e.task)
	commit := func(called int64) {
		text := consumer.CommitMetadata{Called: called}.Encode(e.offset)
		i.committed(map[int]consumer.Position{e.partition: {Offset: e.offset, Metadata: text}})
	}
	commit(e.offset + 1)
	if w.violation != nil {
		t.Fatal(w.violation)
	}
	commit(0)
	if got := invariantOf(w); got != "3: each commit covers every call" {
		t.Errorf("found %q", got)
	}
}

func TestAnswerToWhatIsCommittedAsDoneIsFound(t *testing.T) {
	for name, done := range map[string]func(o int64) (low int64, m consumer.CommitMetadata){
		"below the low-water mark": func(o int64) (int64, consumer.CommitMetadata) { return o + 1, consumer.CommitMetadata{} },
		"above it": func(o int64) (int64, consumer.CommitMetadata) {
			return o - 1, consumer.CommitMetadata{Done: []consumer.Interval{{From: o, To: o + 1}}}
		},
	} {
		t.Run(name, func(t *testing.T) {
			w, e, i := quietWorld(t)
			low, metadata := done(e.offset)
			at := consumer.Position{Offset: low, Metadata: metadata.Encode(low)}
			i.found = map[int]consumer.Position{e.partition: {}}
			w.checkDone(i, e, &attempt{since: i.since})
			if w.violation != nil {
				t.Fatal(w.violation)
			}
			i.found[e.partition] = at
			w.checkDone(i, e, &attempt{since: i.since})
			if got := invariantOf(w); got != "3: what is committed is done" {
				t.Errorf("found %q", got)
			}
		})
	}
}

func TestDeadLetterThatIsRepeatedIsFound(t *testing.T) {
	w, e, i := quietWorld(t)
	e.task = nil
	source := events.Source{Topic: topicFailed, Partition: e.partition, Offset: e.offset, Time: e.stamp}
	headers := events.DeadLetter(source, nil, &events.Unreadable{}, events.DeadLetterMessageLimit)
	first, second := &attempt{sent: w.seq()}, &attempt{}
	w.deadLettered(i, consumer.Message{Value: e.value}, headers, first)
	second.sent = w.seq()
	w.deadLettered(i, consumer.Message{Value: e.value}, headers, second) // its first answer may be lost
	if w.violation != nil {
		t.Fatal(w.violation)
	}
	i.acknowledged(first)
	w.deadLettered(i, consumer.Message{Value: e.value}, headers, &attempt{sent: w.seq()})
	if got := invariantOf(w); got != "3: no dead letter is repeated without need" {
		t.Errorf("found %q", got)
	}
}

// Events may be skipped only before the group has begun.
func TestLatestPassesOverOnlyWhatTheGroupHasNotBegun(t *testing.T) {
	w, e, _ := quietWorld(t)
	w.latest = true
	again := func() *event {
		e := &event{task: e.task, failure: 1, value: e.value}
		w.producers.pending++
		w.publish(e, "t")
		return e
	}
	if !again().gone {
		t.Error("the group has not begun, and the event counts")
	}
	w.broker.Commit(e.partition, consumer.Position{Metadata: consumer.CommitMetadata{TopicPartitions: w.partitions}.Encode(0)})
	if again().gone {
		t.Error("the group has begun, and the event may be passed over")
	}
	if w.grow(); !w.begun(w.partitions) {
		t.Error("a partition that was added since may be passed over")
	}
}
