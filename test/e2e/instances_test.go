//go:build kafka

package e2e

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// publishSteadily publishes one event at each interval until stop is called, which
// returns all of them.
func (r *rig) publishSteadily(every time.Duration) (stop func() []*kgo.Record) {
	var all []*kgo.Record
	var publishing sync.WaitGroup
	end := make(chan struct{})
	publishing.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for i := 0; ; i++ {
			select {
			case <-end:
				return
			case <-tick.C:
			}
			rec := event(fmt.Sprintf("task-%d", i))
			rec.Topic = r.failed
			// A broker may be away: the client retries.
			if err := r.client.ProduceSync(r.ctx, rec).FirstErr(); err != nil {
				r.t.Errorf("publish: %v", err)
				return
			}
			r.addPublished(rec)
			all = append(all, rec)
		}
	})
	var once sync.Once
	stop = func() []*kgo.Record {
		once.Do(func() { close(end) })
		publishing.Wait()
		return all
	}
	r.t.Cleanup(func() { stop() })
	return stop
}

func TestInvariant3StoppingRestartingAndRebalancingDecideNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 6, sim: mpcsim.Config{Faults: mpcsim.Faults{Latency: 100 * time.Millisecond}}})
	stop := r.publishSteadily(5 * time.Millisecond)
	first, second := r.start().ready(), r.start().ready()
	for range 2 {
		for _, old := range []**service{&first, &second} {
			have := r.collector.count()
			(*old).stop()
			*old = r.start().ready()
			r.waitForAnswers(have+200, 30*time.Second) // each restart under load
		}
	}
	all := stop()
	r.finishWithoutRepeats(40 * time.Second)
	r.calledOnce(t, len(all))
	n := r.mpc.Counters()
	if n.Queries != 0 || n.Lost != 0 {
		t.Errorf("%d state queries, %d calls cut off in a rolling restart: want none", n.Queries, n.Lost)
	}
}

func TestOnePartitionHasAllOfMaxInFlight(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 1, sim: mpcsim.Config{Faults: mpcsim.Faults{Latency: 200 * time.Millisecond}}})
	const events = 640
	r.load("task", events)
	r.start("MPC_MAX_IN_FLIGHT", "64").ready()
	r.finishWithoutRepeats(40 * time.Second)
	r.calledOnce(t, events)
	if n := r.mpc.Counters().MaxInFlight; n != 64 {
		t.Errorf("at most %d calls were in flight, want 64", n)
	}
	// Ten rounds of 200 ms take 2 s. The rest is for the race detector and slow machines.
	if first, last := spanOf(r.mpc.Requests()); last.Sub(first) > 4*time.Second {
		t.Errorf("%d calls took %v: they were not all in flight all the time", events, last.Sub(first))
	}
}

// spanOf returns the arrival times of the first and the last request.
func spanOf(requests []mpcsim.Request) (first, last time.Time) {
	return requests[0].At, requests[len(requests)-1].At
}

func TestWhatWasAnsweredAboveASlowTaskIsNotRepeatedAfterAStop(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 1})
	// Every call of the task at the low-water mark fails until the stop.
	must(t, r.mpc.Script("slow", mpcsim.Fail(500, "APIGW.0605").Repeat(mpcsim.Always)))
	r.publish(event("slow"))
	bad := &kgo.Record{Value: []byte("garbage")}
	done := &kgo.Record{Value: []byte(`{"event_type":"RemuxComplete","remux_info":{"task_id":"1","status":"SUCCEED"}}`)}
	r.publish(bad, done)
	r.expectNoAnswer(done)
	r.load("quick", 300)

	s := r.start("RETRY_MAX_ATTEMPTS", "1000").ready()
	r.waitForAnswers(301, 30*time.Second)
	s.stop()
	if at, err := r.committed(); err != nil || at[0] != 0 {
		t.Fatalf("committed %v (%v): the event at offset 0 has no answer yet", at, err)
	}
	must(t, r.mpc.Script("slow"))
	r.start().ready()
	r.finishWithoutRepeats(30 * time.Second)
	for _, rec := range r.mpc.Requests() {
		if id := rec.TaskIDs[0]; id != "slow" && rec.Verdict != mpcsim.Accepted {
			t.Errorf("task %s was asked for again: %+v", id, rec)
		}
	}
}

func TestInvariant6OneTaskIsNeverCalledTwiceAtOnce(t *testing.T) {
	t.Parallel()
	// A task fails again at once, so that each event costs a call. Calls are slow
	// enough that each task has one in flight, also on a busy machine.
	r := newRig(t, options{sim: mpcsim.Config{Then: mpcsim.StatusFailed, Faults: mpcsim.Faults{Latency: 100 * time.Millisecond}}})
	var records []*kgo.Record
	for i := range 300 {
		rec := event(fmt.Sprintf("task-%d", i%7))
		rec.Key = fmt.Append(nil, i) // a task's events are in several partitions
		records = append(records, rec)
	}
	r.publish(records...)
	r.start().ready()
	r.finishWithoutRepeats(40 * time.Second)
	if n := r.mpc.Counters().MaxInFlightPerTask; n != 1 {
		t.Errorf("%d calls for one task were in flight at once", n)
	}
	if n := r.mpc.Counters().MaxInFlight; n < 5 {
		t.Errorf("at most %d calls were in flight: too few for this test", n)
	}
}

func TestTwoInstancesShareTheWork(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 6})
	a := r.start("KAFKA_CLIENT_ID", "a").ready()
	r.start("KAFKA_CLIENT_ID", "b").ready()
	a.ready()
	waitFor(t, 30*time.Second, "both to own partitions", func() (bool, string) {
		group, err := r.admin.DescribeGroups(r.ctx, r.group)
		if err != nil {
			return false, err.Error()
		}
		var owned []int
		for _, m := range group[r.group].Members {
			assigned, ok := m.Assigned.AsConsumer()
			if ok && len(assigned.Topics) == 1 {
				owned = append(owned, len(assigned.Topics[0].Partitions))
			}
		}
		return slices.Equal(owned, []int{3, 3}), fmt.Sprint(owned)
	})
	r.load("task", 500)
	r.finishWithoutRepeats(30 * time.Second)
	r.calledOnce(t, 500)
}
