//go:build kafka

package e2e

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// addPublishedBy adds the events that `retry` reports as published.
func (r *rig) addPublishedBy(s result) {
	r.t.Helper()
	n := 0
	for line := range strings.Lines(s.out) {
		fields := strings.Split(strings.TrimSpace(line), "\t")
		if len(fields) != 4 || fields[1] != r.failed {
			r.t.Fatalf("not a published event: %q", line)
		}
		n++
	}
	seen := r.newClient(kgo.ConsumeTopics(r.failed), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	found := 0
	waitFor(r.t, 10*time.Second, "the events to be readable", func() (bool, string) {
		seen.PollRecords(r.ctx, 1000).EachRecord(func(rec *kgo.Record) { r.addPublished(rec); found++ })
		return found >= n, s.out
	})
}

func TestCommandRetryIsAnsweredLikeAnyFailure(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	r.start().ready()
	s := r.command(nil, "retry", "538526", "a-\"quoted\"-id", "../../etc").want(t, 0, "538526\t"+r.failed+"\tpartition ", "\toffset 0\n")
	r.addPublishedBy(s)
	r.waitForAnswers(3, 20*time.Second)
	r.calledOnce(t, 3)
	if got := r.collector.reasons(); got["accepted"] != 3 {
		t.Error(got)
	}
}

func TestCommandRetryRefusesInvalidIDs(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	s := r.command(nil, "retry", "a b", "", "\x1b[2J", strings.Repeat("9", 100_000), "\xff", "--", "-good").want(t, 1,
		"not asked for: the task_id is empty", "has 100000 bytes", "white space", "control character", "not UTF-8", "-good\t")
	if strings.Count(s.out, "\n") != 1 || strings.Contains(s.all(), "\x1b") || len(s.err) > 2000 {
		t.Error(s.all())
	}
}

func TestCommandRetryOverAnExhaustedBudget(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{sim: mpcsim.Config{Then: mpcsim.StatusFailed}})
	service := r.start("RETRY_BUDGET", "2", "RETRY_SKIP_CODES", "MPC.10052").ready()
	budget := []string{"RETRY_BUDGET", "2"}
	for range 2 {
		r.publish(event("7"))
		r.waitForAnswers(len(r.published), 20*time.Second)
	}
	r.command(budget, "retry", "7").want(t, 1, "7: not asked for: it has had 2 accepted retries within 24h0m0s (RETRY_BUDGET is 2)", "budget_exhausted", "--force overrides this")
	if ends, err := r.ends(r.failed); err != nil || sum(ends) != 2 {
		t.Errorf("events: %v, %v", ends, err)
	}
	r.addPublishedBy(r.command(budget, "retry", "--force", "7").want(t, 0))
	r.waitForAnswers(3, 20*time.Second)

	// The header also works for other producers, and for skip codes and age.
	skipped := &kgo.Record{Key: []byte("8"), Value: []byte(`{"task_id":"8","error_code":"MPC.10052"}`)}
	forced := &kgo.Record{Key: []byte("8"), Value: skipped.Value, Headers: []kgo.RecordHeader{{Key: "remux-retrier-force", Value: []byte("true")}}}
	r.publish(skipped, forced)
	r.waitForAnswers(5, 20*time.Second)
	if _, metrics := service.get("/metrics"); !strings.Contains(metrics, "remux_retrier_forced_events_total 2") {
		t.Error("the forced events are not counted")
	}
	r.finishWithoutRepeats(20 * time.Second)
	if o := r.collector.of(skipped); o.Reason != "not_retryable" {
		t.Errorf("skipped: %s", o.record.Value)
	}
	if o := r.collector.of(forced); o.Reason != "accepted" {
		t.Errorf("forced: %s", o.record.Value)
	}
	if got := r.collector.reasons(); got["accepted"] != 4 || got["budget_exhausted"] != 0 {
		t.Error(got)
	}
	if n := r.mpc.Counters().Accepted; n != 4 {
		t.Errorf("%d accepted calls, want 4", n)
	}
}

func sum(offsets map[int32]int64) (n int64) {
	for _, o := range offsets {
		n += o
	}
	return n
}

func TestCommandExplainTellsATasksStory(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{sim: mpcsim.Config{Then: mpcsim.StatusFailed}})
	r.start("RETRY_BUDGET", "1").ready()
	r.load("noise", 50)
	r.publish(&kgo.Record{Key: []byte("7"), Value: []byte(`{"task_id":"7","error_code":"MPC.10105"}`)})
	r.waitForAnswers(51, 20*time.Second)
	r.publish(event("7"), &kgo.Record{Key: []byte("7"), Value: []byte(`{"task":7}`)})
	r.finishWithoutRepeats(30 * time.Second)

	s := r.command(nil, "explain", "7").want(t, 0, "Task 7. Its latest answer", "is retry_failed, budget_exhausted",
		"A failure event arrived ("+r.failed+"/", "with the code MPC.10105", "was answered retried, accepted", "is keyed by the task's id", "no_task_id")
	if n := strings.Count(s.out, "\n"); n != 7 || s.err != "" {
		t.Errorf("%d lines:\n%s", n, s.all())
	}
	var story struct {
		Complete bool
		Entries  []struct{ Kind, Topic string }
	}
	if err := json.Unmarshal([]byte(r.command(nil, "explain", "7", "--json").want(t, 0).out), &story); err != nil || !story.Complete || len(story.Entries) != 5 {
		t.Errorf("%+v, %v", story, err)
	}
	r.command(nil, "explain", "never-seen").want(t, 1, "contain nothing about it since")
	r.command(nil, "explain", "7", "--since", "1ms").want(t, 1, "contain nothing about it")
	r.command([]string{"KAFKA_BROKERS", freeAddress(t)}, "explain", "7").want(t, 1, "check KAFKA_BROKERS")
}
