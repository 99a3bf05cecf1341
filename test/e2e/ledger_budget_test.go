//go:build kafka

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// A task keeps failing, and each failure is handled by another owner. Its retries
// are counted across restarts, crashes, partitions and instances.
func TestATaskThatKeepsFailingHasItsBudgetOnce(t *testing.T) {
	t.Parallel()
	// Longer than the second after which instances know each other's decisions.
	const fails = 3 * time.Second
	r := newRig(t, options{partitions: 4, sim: mpcsim.Config{ProcessingFor: fails, Then: mpcsim.StatusFailed}})
	byHand := r.newClient(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	var first, second *service
	rounds := []struct {
		owner     func()
		partition int32
		reason    string
		retries   int
	}{
		{func() { first = r.start(podEnv("pod-0")...).ready() }, 0, "accepted", 1},
		{func() { first.stop(); first = r.start(podEnv("pod-0")...).ready() }, 1, "accepted", 2},
		{func() {
			first.kill()
			first = r.start(podEnv("pod-0")...).ready()
			second = r.start(podEnv("pod-1")...).ready()
			first.ready()
		}, 2, "accepted", 3},
		{func() {}, 3, "budget_exhausted", 3},
		{func() {}, 0, "budget_exhausted", 3},
		{func() { first.stop(); second.stop(); first = r.start(podEnv("pod-0")...).ready() }, 1, "budget_exhausted", 3},
		{func() { first.stop(); first = r.start(podEnv("pod-0", "RETRY_BUDGET", "4")...).ready() }, 2, "accepted", 4},
	}
	for i, round := range rounds {
		round.owner()
		waitFor(t, 2*fails, "the task to fail", func() (bool, string) {
			task, known := r.mpc.Task("fails")
			return !known || task.Status == mpcsim.StatusFailed, string(task.Status)
		})
		rec := event("fails")
		rec.Partition = round.partition
		r.publishWith(byHand, rec)
		r.waitForAnswers(i+1, 30*time.Second)
		o := r.collector.of(rec)
		want := map[string]int{"accepted": 1}[round.reason]
		if o.Reason != round.reason || o.Retries != round.retries || o.Attempts != want {
			t.Errorf("failure %d: want %s, %d retries, %d attempts: %s", i+1, round.reason, round.retries, want, o.record.Value)
		}
	}
	r.finishWithoutRepeats(20 * time.Second)
	n := r.mpc.Counters()
	t.Logf("a task failed %d times, through restarts, a crash and 4 partitions: %d calls, outcomes %v", len(rounds), n.Retries, r.collector.reasons())
	if n.Retries != 4 || n.Accepted != 4 {
		t.Errorf("%d calls, %d accepted: want 3 within the budget, and one more after it was raised", n.Retries, n.Accepted)
	}
}

// The budget's window moves on: retries before it no longer count.
func TestABudgetIsThatOfItsWindow(t *testing.T) {
	t.Parallel()
	const window = 6 * time.Second
	r := newRig(t, options{partitions: 1, sim: mpcsim.Config{Then: mpcsim.StatusFailed}})
	s := r.start("RETRY_BUDGET", "2", "RETRY_BUDGET_WINDOW", fmt.Sprint(window)).ready()
	began := time.Now()
	ask := func(n int) *outcome {
		rec := r.publish(event("fails"))[0]
		r.waitForAnswers(n, 20*time.Second)
		return r.collector.of(rec)
	}
	for i, want := range []string{"accepted", "accepted", "budget_exhausted"} {
		if o := ask(i + 1); o.Reason != want {
			t.Errorf("failure %d within the window: want %s: %s", i+1, want, o.record.Value)
		}
	}
	retried := time.Now() // or before
	if took := retried.Sub(began); took > window {
		t.Skipf("three events took %v: this machine is too slow to tell", took)
	}
	s.stop() // the next instance knows the retries from the outcomes alone
	r.start("RETRY_BUDGET", "2", "RETRY_BUDGET_WINDOW", fmt.Sprint(window)).ready()
	<-time.After(time.Until(retried.Add(window + time.Second))) // the window passes
	if o := ask(4); o.Reason != "accepted" || o.Retries != 1 {
		t.Errorf("a failure after the window: want accepted and 1 retry: %s", o.record.Value)
	}
	r.finishWithoutRepeats(20 * time.Second)
}
