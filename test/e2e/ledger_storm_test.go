//go:build kafka

package e2e

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

const (
	stormTasks      = 50
	stormEach       = 100
	stormPartitions = 4
)

// storm publishes stormEach events for each of stormTasks tasks, in turn. They are keyed by
// task, as producers should do it. With spread, each task's events are in all partitions, as
// if they had different keys.
func (r *rig) storm(spread bool) (events []*kgo.Record) {
	r.t.Helper()
	client := r.client
	if spread {
		client = r.newClient(kgo.RecordPartitioner(kgo.ManualPartitioner()))
	}
	for i := range stormTasks * stormEach {
		rec := event(stormTask(i % stormTasks))
		if spread {
			rec.Partition = int32(i / stormTasks % stormPartitions)
		}
		events = append(events, rec)
	}
	return r.publishWith(client, events...)
}

func stormTask(i int) string { return fmt.Sprintf("storm-%d", i) }

// keyings maps how a storm is keyed to storm's argument spread.
var keyings = map[string]bool{"keyed by task": false, "over all partitions": true}

// Each task fails again at once, so that each further call would be accepted and
// billed.
func TestInvariant5AStormAboutATaskCostsOneCall(t *testing.T) {
	for name, spread := range keyings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, options{partitions: stormPartitions, sim: mpcsim.Config{Then: mpcsim.StatusFailed, Faults: healthy}})
			events := r.storm(spread)
			began := time.Now()
			r.start().ready()
			r.finishWithoutRepeats(60 * time.Second)
			t.Logf("%d tasks × %d events %s: %d calls, outcomes %v, in %v", stormTasks, stormEach, name,
				r.mpc.Counters().Retries, r.collector.reasons(), time.Since(began).Round(time.Millisecond))
			r.calledOnce(t, stormTasks)
			if n := r.collector.reasons(); n["accepted"] != stormTasks || n["covered"] != len(events)-stormTasks {
				t.Errorf("outcomes %v: want %d accepted, and all others covered", n, stormTasks)
			}
			for _, rec := range events {
				o := r.collector.of(rec)
				if want := map[string]int{"accepted": 1}[o.Reason]; o.Outcome != "retried" || o.Attempts != want || o.Retries != 1 {
					t.Fatalf("want %d attempts and 1 retry: %s", want, o.record.Value)
				}
			}
		})
	}
}

// Each task is refused for good, in one of four ways.
func TestInvariant5AStormAboutATaskThatIsRefusedForGoodCostsOneCall(t *testing.T) {
	refusals := []struct {
		reason string
		refuse func(r *rig, task string) error
	}{
		{"rejected", func(r *rig, task string) error {
			return r.mpc.Script(task, mpcsim.Fail(403, "MPC.10212").Repeat(mpcsim.Always))
		}},
		{"task_not_found", func(r *rig, task string) error {
			return r.mpc.Script(task, mpcsim.Fail(404, "MPC.10211").Repeat(mpcsim.Always))
		}},
		{"invalid_task", func(r *rig, task string) error {
			return r.mpc.Script(task, mpcsim.Fail(400, "MPC.10202").Repeat(mpcsim.Always))
		}},
		{"not_retryable", func(r *rig, task string) error {
			return r.mpc.SetTask(mpcsim.Task{ID: task, Status: mpcsim.StatusCanceled})
		}},
	}
	for name, spread := range keyings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, options{partitions: stormPartitions, sim: mpcsim.Config{Faults: healthy}})
			reasons := map[string]string{}
			for i := range stormTasks {
				task, refusal := stormTask(i), refusals[i%len(refusals)]
				must(t, refusal.refuse(r, task))
				reasons[task] = refusal.reason
			}
			events := r.storm(spread)
			r.start().ready()
			r.finishWithoutRepeats(60 * time.Second)
			n := r.mpc.Counters()
			t.Logf("%d tasks × %d events %s, refused for good: %d calls, %d queries, outcomes %v",
				stormTasks, stormEach, name, n.Retries, n.Queries, r.collector.reasons())
			if n.Retries != stormTasks || n.Accepted != 0 || n.Queries > stormTasks {
				t.Errorf("%d calls, %d accepted, %d queries: want %d calls and no more queries than that", n.Retries, n.Accepted, n.Queries, stormTasks)
			}
			called := map[string]int{}
			for _, rec := range events {
				o := r.collector.of(rec)
				called[o.TaskID] += o.Attempts
				if o.Outcome != "retry_failed" || o.Reason != reasons[o.TaskID] || o.Retries != 0 {
					t.Fatalf("want %s and no retry: %s", reasons[o.TaskID], o.record.Value)
				}
			}
			maps.DeleteFunc(called, func(_ string, attempts int) bool { return attempts == 1 })
			if len(called) > 0 {
				t.Errorf("the outcomes of %d tasks do not show exactly one call: %v", len(called), called)
			}
		})
	}
}

// The instance is killed when half of a storm's tasks are called. State queries
// find the accepted calls without an outcome, and these answer their whole storm.
func TestInvariant3ACrashInAStormRepeatsNoCall(t *testing.T) {
	r := newRig(t, options{partitions: stormPartitions, sim: mpcsim.Config{ProcessingFor: time.Hour, Faults: mpcsim.Faults{Latency: 200 * time.Millisecond}}})
	events := r.storm(false)
	start := func() *service { return r.start(podEnv("pod-0", "MPC_MAX_IN_FLIGHT", "8")...) }
	s := start()
	must(t, r.mpc.Await(r.ctx, mpcsim.Retry, stormTasks/2))
	s.kill()
	have := r.collector.count()
	start().ready()
	repeats := r.finish(60 * time.Second)
	n, again := r.mpc.Counters(), r.calledAgain()
	t.Logf("kill -9 after %d of %d calls and %d outcomes: %d calls accepted, %d repeated, %d queries, outcomes %v, %d repeated",
		stormTasks/2, stormTasks, have, n.Accepted, len(again), n.Queries, r.collector.reasons(), len(repeats))
	if n.Accepted != stormTasks || len(again) > 0 || len(repeats) > 0 {
		t.Errorf("%d calls accepted, %d repeated %q, %d outcomes repeated %q: want %d and none",
			n.Accepted, len(again), firstFew(again), len(repeats), firstFew(repeats), stormTasks)
	}
	for _, rec := range events {
		if o := r.collector.of(rec); o.Outcome != "retried" || o.Retries != 1 {
			t.Fatalf("want retried, by one retry: %s", o.record.Value)
		}
	}
}
