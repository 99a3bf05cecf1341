//go:build kafka

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"remux-retrier/internal/mpcsim"
	"remux-retrier/internal/testkafka"
)

// After a time of random faults the account is exact: events in = distinct
// outcomes + distinct dead letters + ignored, and each failure was retried once.
//
// SOAK_TIME is the duration (default 2m). SOAK_SEED picks load and faults (default:
// random). The same seed repeats the same steps, but not the timing of the brokers'
// and the instances' processes.
func TestSoakUnderRandomFaultsEndsWithAnExactAccount(t *testing.T) {
	t.Parallel()
	const perMinute = 6000
	duration, seed := soakTime(t), soakSeed(t)
	t.Logf("SOAK_TIME=%v SOAK_SEED=%d", duration, seed)
	cluster, o := ownCluster(t, threeBrokers, options{
		partitions: 6, timeout: duration + 6*time.Minute,
		sim: mpcsim.Config{Seed: seed, Faults: normalFaults},
	})
	k := &chaos{rig: newRig(t, o), cluster: cluster, began: time.Now(), tasks: map[string]*chaosTask{}, env: []string{
		"MPC_REQUESTS_PER_MINUTE", fmt.Sprint(perMinute), "MPC_TIMEOUT", "2s", "MPC_MAX_IN_FLIGHT", "32",
		"RETRY_BUDGET", "unlimited", "RETRY_MAX_ATTEMPTS", "1000",
	}}
	defer k.report(seed)
	for i := range instances {
		k.launch(i)
	}
	for _, s := range k.services {
		s.ready()
	}

	k.began = time.Now()
	ctx, cancel := context.WithTimeout(k.ctx, duration)
	defer cancel()
	stream := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }
	var side sync.WaitGroup
	defer side.Wait() // also when a check below fails
	defer cancel()
	side.Go(func() { k.load(ctx, stream(1)) })
	side.Go(func() { k.changeAPI(ctx, stream(2)) })
	side.Go(func() { k.breakBrokers(ctx, stream(3)) })
	k.breakInstances(ctx, stream(4))
	side.Wait()

	for _, s := range k.now {
		s.ready()
	}
	repeats := k.finish(2 * time.Minute)
	k.checkTasks()
	n := k.mpc.Counters()
	t.Logf("soak of %v, seed %d, %d faults: %d tasks, %d failures, %d retries accepted, %d calls, %d queries, at most %d requests a minute, outcomes %v, %d answers repeated",
		duration, seed, len(k.faultLog), len(k.tasks), k.failures(), n.Accepted, n.Retries, n.Queries, k.mpc.MaxInWindow(time.Minute), k.collector.reasons(), len(repeats))
	if n.Accepted != k.failures() {
		t.Errorf("%d retries were accepted for %d failures", n.Accepted, k.failures())
	}
	if letters := len(k.collector.letters); letters != k.garbage {
		t.Errorf("%d dead letters for %d events that cannot be read", letters, k.garbage)
	}
	if most := k.mpc.MaxInWindow(time.Minute); most > perMinute {
		t.Errorf("%d requests in 60 s, the quota is %d", most, perMinute)
	}
}

// instances is the number of instances of the service in the soak.
const instances = 3

// chaos is a rig with random load and random faults.
type chaos struct {
	*rig
	cluster *testkafka.Cluster
	env     []string
	now     [instances]*service // the current process of each instance
	began   time.Time

	// Used by the goroutine of load, and by the test's after that has ended.
	tasks      map[string]*chaosTask
	garbage    int      // events that are dead letters
	wrongTasks []string // tasks with a wrong account

	mu       sync.Mutex
	faultLog []string // faults, in order
}

// launch starts an instance. The last one has no KAFKA_INSTANCE_ID: after a crash
// the group waits for its session timeout.
func (k *chaos) launch(i int) {
	env := k.env
	if i < instances-1 {
		env = podEnv(fmt.Sprintf("pod-%d", i), env...)
	}
	k.now[i] = k.start(env...)
}

// logFault adds a line to the list of faults.
func (k *chaos) logFault(format string, args ...any) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.faultLog = append(k.faultLog, fmt.Sprintf("%6.1fs %s", time.Since(k.began).Seconds(), fmt.Sprintf(format, args...)))
}

func soakTime(t *testing.T) time.Duration {
	text := os.Getenv("SOAK_TIME")
	if text == "" {
		return 2 * time.Minute
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		t.Fatalf("SOAK_TIME is %q: expected a duration such as 10m", text)
	}
	return d
}

func soakSeed(t *testing.T) uint64 {
	text := os.Getenv("SOAK_SEED")
	if text == "" {
		return rand.Uint64N(1_000_000)
	}
	seed, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("SOAK_SEED is %q: expected a number", text)
	}
	return seed
}
