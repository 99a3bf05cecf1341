//go:build kafka

package e2e

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"remux-retrier/internal/mpcsim"
)

// rollingGoal is the goal for the 99th percentile of the answer time on a quiet
// machine. The test fails at three times that: a member that waits for another's
// drain, or for a slower heartbeat, takes 2 s.
const rollingGoal = 500 * time.Millisecond

// Not parallel: it measures how long answers take.
func TestInvariant3RollingRestartsRepeatNothingAndDelayLittle(t *testing.T) {
	const rounds = 10
	r := newRig(t, options{partitions: 6, sim: mpcsim.Config{Faults: healthy}}).withoutRaceDetector()
	var instances [3]*service
	start := func(i int) *service { return r.start(podEnv(fmt.Sprintf("pod-%d", i))...).ready() }
	for i := range instances {
		instances[i] = start(i)
	}
	stop := r.publishSteadily(5 * time.Millisecond)
	r.waitForAnswers(100, 20*time.Second)
	began := time.Now()
	for range rounds {
		for i := range instances {
			instances[i].stop()
			instances[i] = start(i)
		}
	}
	took := time.Since(began)
	all := stop()
	r.finishWithoutRepeats(40 * time.Second)
	r.calledOnce(t, len(all))
	if n := r.mpc.Counters(); n.Queries != 0 || n.Lost != 0 {
		t.Errorf("%d state queries, %d calls cut off in rolling restarts: want none", n.Queries, n.Lost)
	}
	times := slices.Sorted(slices.Values(r.answerTimes(all)))
	at := func(q float64) time.Duration { return times[int(q*float64(len(times)-1))].Round(time.Millisecond) }
	t.Logf("3 instances restarted %d times in turn, in %v, %d events: 0 lost, answered after %v (median), %v (99th percentile; goal %v), %v (longest)",
		rounds, took.Round(time.Second), len(all), at(.5), at(.99), rollingGoal, at(1))
	// Restarts follow each other at once, so that most events meet a rebalance.
	if at(.99) > 3*rollingGoal {
		t.Errorf("the 99th percentile of the answer time is %v", at(.99))
	}
}
