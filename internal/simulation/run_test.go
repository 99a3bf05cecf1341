package simulation

import (
	"errors"
	"strings"
	"testing"

	"remux-retrier/consumer"
)

// seeds is how many the fast tests try; make simulate and CI try many more.
const seeds = 300

// The seeds together must meet every fault and every answer.
func TestInvariantsHoldWhateverHappens(t *testing.T) {
	var all strings.Builder
	for seed := range uint64(seeds) {
		before := all.Len()
		if err := Run(seed, &all); err != nil {
			t.Fatalf("%v\n%s", err, all.String()[before:])
		}
	}
	for _, what := range []string{
		"start offset latest", "is killed", "is paused", "is told to stop", "brokers are unreachable: true", "MPC is down", "MPC is throttling", "MPC is losing answers",
		"MPC is hanging", "the network: ", "the failed topic is deleted", "partitions now", "retention deletes", "positions expire", "an operator resets",
		"foreign record on", "publishes accepted", "publishes already_running", "publishes covered", "publishes rejected", "publishes task_not_found",
		"publishes invalid_task", "publishes not_retryable", "publishes budget_exhausted", "publishes expired", "publishes attempts_exhausted", "publishes a dead letter", "reason=answered_before", "reason=not_a_failure",
		"always fail keep failing", "coordinator moves", "MPC is behind a bad gateway", "MPC is not reached by its gateway", "HTTP 502", "HTTP 500 APIG.0605",
		"has recovered", "outcomes cannot be written to", "its wall clock jumps by 25h", "gets unknown topic for a commit", "the brokers do not answer", "MPC admits",
	} {
		if !strings.Contains(all.String(), what) {
			t.Errorf("no seed has met %q", what)
		}
	}
}

func TestSameSeedTellsTheSameStory(t *testing.T) {
	for seed := range uint64(20) {
		first, err := Fingerprint(seed)
		if err != nil {
			t.Fatal(err)
		}
		for range 4 {
			if again, err := Fingerprint(seed); err != nil || again != first {
				t.Fatalf("seed %d: %x, then %x, %v", seed, first, again, err)
			}
		}
	}
}

// Writing the story must not change what happens, or no failing seed could be described.
func TestTellingChangesNothing(t *testing.T) {
	for seed := range uint64(20) {
		var story strings.Builder
		without, err := run(seed, nil)
		with, errWith := run(seed, &story)
		if without != with || err != nil || errWith != nil {
			t.Fatalf("seed %d: %x without, %x with a story; %v, %v", seed, without, with, err, errWith)
		}
		if !strings.Contains(story.String(), "all faults end") {
			t.Fatalf("seed %d has no story: %q", seed, story.String())
		}
	}
}

// quietWorld has one unanswered event and one instance that has not started to run.
func quietWorld(t *testing.T) (*world, *event, *instance) {
	t.Helper()
	w, err := newWorld(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.quota, w.keyless = 2, false
	failing := &task{id: "t", behavior: retryable, failures: 1}
	w.mpc.tasks = append(w.mpc.tasks, failing)
	e := &event{task: failing, failure: 1, value: []byte(`{"task_id":"t"}`)}
	w.producers.pending++
	w.publish(e, "t")
	w.start(0, false)
	t.Cleanup(func() {
		w.slots[0].proc.kill()
		w.s.end()
	})
	return w, e, w.slots[0]
}

func invariantOf(w *world) string {
	if w.violation == nil {
		return ""
	}
	return w.violation.Invariant
}

func TestCommitPastAnUnansweredEventIsFound(t *testing.T) {
	w, e, i := quietWorld(t)
	i.committed(map[int]consumer.Position{e.partition: {Offset: e.offset, Metadata: "remux1 clean end"}})
	if w.violation != nil {
		t.Fatal(w.violation)
	}
	i.committed(map[int]consumer.Position{e.partition: {Offset: e.offset + 1, Metadata: "remux1 clean end"}})
	if got := invariantOf(w); got != "1: no event is lost" {
		t.Errorf("found %q", got)
	}
}

func TestSecondCallInFlightIsFound(t *testing.T) {
	w, e, i := quietWorld(t)
	i.assigned, w.owners = []int{e.partition}, map[int]*instance{e.partition: i}
	i.called(e.task)
	if w.violation != nil {
		t.Fatal(w.violation)
	}
	i.called(e.task)
	if got := invariantOf(w); !strings.HasPrefix(got, "6: ") {
		t.Errorf("found %q", got)
	}
}

func TestCallAfterTheTakeOverIsFound(t *testing.T) {
	w, e, i := quietWorld(t)
	i.assigned, w.owners = []int{e.partition}, map[int]*instance{e.partition: {}}
	i.called(e.task)
	if got := invariantOf(w); got != "3: only the owner calls" {
		t.Errorf("found %q", got)
	}
}

func TestRequestBeyondTheQuotaIsFound(t *testing.T) {
	w, _, i := quietWorld(t)
	w.sent(i)
	w.sent(i)
	w.s.now = quotaWindow - 1
	if w.violation != nil {
		t.Fatal(w.violation)
	}
	w.sent(i)
	if got := invariantOf(w); got != "4: the quota" {
		t.Errorf("found %q", got)
	}
}

func TestForgottenFailureIsFound(t *testing.T) {
	w, e, _ := quietWorld(t)
	e.task.status = "FAILED"
	w.checkForgotten()
	if got := invariantOf(w); got != "no failure is forgotten" {
		t.Errorf("found %q", got)
	}
}

func TestViolationNamesItsSeed(t *testing.T) {
	err := error(&Violation{Seed: 4711, Invariant: "4: the quota", Text: "three requests"})
	if !strings.Contains(err.Error(), "4711") || !IsViolation(err) || IsViolation(errors.New("another")) {
		t.Error(err)
	}
}
