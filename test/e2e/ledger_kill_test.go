//go:build kafka

package e2e

import (
	"fmt"
	"testing"
	"time"

	"remux-retrier/internal/mpcsim"
)

// podEnv is the environment of an instance with a KAFKA_INSTANCE_ID.
func podEnv(name string, pairs ...string) []string {
	return append([]string{"KAFKA_CLIENT_ID", "e2e", "KAFKA_INSTANCE_ID", name}, pairs...)
}

// withoutRaceDetector uses a binary without the race detector, for tests that
// depend on its speed.
func (r *rig) withoutRaceDetector() *rig {
	r.t.Helper()
	program, err := buildWith(r.t.TempDir())
	if err != nil {
		r.t.Fatal(err)
	}
	r.program = program
	return r
}

// The service is killed again and again with many calls in flight. MPC accepts
// every call that has reached it, also when its sender is dead.
func TestInvariant3KillsAtManyCallsInFlightRepeatNothing(t *testing.T) {
	t.Parallel()
	for inFlight, latency := range map[int]time.Duration{64: 500 * time.Millisecond, 1000: 2 * time.Second} {
		t.Run(fmt.Sprintf("%d in flight", inFlight), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, options{sim: mpcsim.Config{ProcessingFor: time.Hour, Faults: mpcsim.Faults{Latency: latency}}})
			if inFlight > 64 {
				r.withoutRaceDetector()
			}
			killAt(r, inFlight)
		})
	}
}

func killAt(r *rig, inFlight int) {
	const kills = 10
	t := r.t
	events := r.load("task", (kills+10)*inFlight) // some calls end before the kill on slow machines
	// More than inFlight: state queries, and calls that just begin or end, count too.
	most := fmt.Sprint(inFlight + inFlight/4)
	start := func(timeout string) *service {
		return r.start(podEnv("pod-0", "MPC_MAX_IN_FLIGHT", most, "MPC_TIMEOUT", timeout)...)
	}
	killed := 0
	for range kills {
		s := start("6s")
		s.waitFor(60*time.Second, fmt.Sprintf("to have %d calls in flight", inFlight), func() (bool, string) {
			n := r.underWay()
			return n >= inFlight, fmt.Sprintf("%d, and %d in all", n, r.mpc.Counters().Retries)
		})
		killed += r.underWay()
		s.kill()
		waitFor(t, 10*time.Second, "its connections to end", func() (bool, string) { return r.underWay() == 0, "" })
	}
	must(t, r.mpc.SetFaults(mpcsim.Faults{Latency: 20 * time.Millisecond}))
	start("1s").ready()
	repeats := r.finish(90 * time.Second)

	again := r.calledAgain()
	t.Logf("%d times kill -9 at %d in flight, %d calls cut off: %d events, outcomes %v, %d queries, %d calls repeated, %d outcomes repeated",
		kills, inFlight, killed, len(events), r.collector.reasons(), r.mpc.Counters().Queries, len(again), len(repeats))
	if len(again) > 0 {
		t.Errorf("%d tasks were called again after their retry had been accepted: %q", len(again), firstFew(again))
	}
	// Outcomes of the killed process are in the log before its successor reads the
	// outcome topics. So even a lost acknowledgement repeats nothing here.
	if len(repeats) > 0 {
		t.Errorf("%d outcomes were repeated: %q", len(repeats), firstFew(repeats))
	}
	if n := r.collector.reasons(); n["accepted"]+n["already_running"] != len(events) {
		t.Errorf("%d events, answered %v: want accepted or already_running", len(events), n)
	}
}

// underWay counts the retry calls that the simulator has not answered yet.
func (r *rig) underWay() (n int) {
	for _, q := range r.mpc.Requests() {
		if q.Operation == mpcsim.Retry && q.Verdict == mpcsim.Pending {
			n++
		}
	}
	return n
}

// calledAgain returns the task of each retry call that follows an accepted one of
// the same task.
func (r *rig) calledAgain() (tasks []string) {
	accepted := map[string]bool{}
	for _, q := range r.mpc.Requests() {
		// A request that was cut off by a kill names no task.
		if q.Operation != mpcsim.Retry || len(q.TaskIDs) == 0 {
			continue
		}
		task := q.TaskIDs[0]
		if accepted[task] {
			tasks = append(tasks, task)
		}
		accepted[task] = accepted[task] || q.Verdict == mpcsim.Accepted
	}
	return tasks
}
