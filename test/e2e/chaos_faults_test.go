//go:build kafka

package e2e

import (
	"context"
	"math/rand/v2"
	"syscall"
	"time"

	"remux-retrier/internal/mpcsim"
)

// normalFaults is slow enough that calls are in flight whenever an instance dies.
var normalFaults = mpcsim.Faults{Latency: 400 * time.Millisecond}

// between draws a duration from a uniform distribution.
func between(random *rand.Rand, from, to time.Duration) time.Duration {
	return from + time.Duration(random.Int64N(int64(to-from)))
}

// changeAPI changes how the API behaves, and ends with normalFaults.
func (k *chaos) changeAPI(ctx context.Context, random *rand.Rand) {
	kinds := []struct {
		name   string
		faults mpcsim.Faults
	}{
		{"answers 503", mpcsim.Faults{Outage: mpcsim.Down}},
		{"resets connections", mpcsim.Faults{Outage: mpcsim.Resetting}},
		{"hangs", mpcsim.Faults{Outage: mpcsim.Hanging}},
		{"serves 10 requests a second", mpcsim.Faults{PerSecond: 10, Latency: normalFaults.Latency}},
		{"answers after 1.5s", mpcsim.Faults{Latency: 1500 * time.Millisecond}},
		{"answers after MPC_TIMEOUT", mpcsim.Faults{Latency: 2500 * time.Millisecond}},
		{"loses every third answer", mpcsim.Faults{LossRate: 1. / 3, Latency: normalFaults.Latency}},
		{"fails every other call", mpcsim.Faults{ErrorRate: .5, Latency: normalFaults.Latency}},
	}
	change := func(name string, f mpcsim.Faults) {
		k.logFault("MPC %s", name)
		if err := k.mpc.SetFaults(f); err != nil {
			k.t.Error(err)
		}
	}
	for ctx.Err() == nil {
		pause(ctx, between(random, 3*time.Second, 12*time.Second))
		kind := kinds[random.IntN(len(kinds))]
		change(kind.name, kind.faults)
		pause(ctx, between(random, time.Second, 8*time.Second))
		change("is healthy again", normalFaults)
	}
}

// breakBrokers breaks and repairs one of three brokers at a time.
func (k *chaos) breakBrokers(ctx context.Context, random *rand.Rand) {
	restart := func(i int) error { return k.cluster.Restart(k.ctx, i) }
	kinds := []struct {
		name         string
		fail, repair func(int) error
	}{
		{"killed", k.cluster.Kill, restart},
		{"stopped", k.cluster.Stop, restart},
		{"frozen", k.cluster.Pause, k.cluster.Resume},
	}
	for {
		pause(ctx, between(random, 5*time.Second, 20*time.Second))
		if ctx.Err() != nil {
			return
		}
		i, kind := random.IntN(3), kinds[random.IntN(len(kinds))]
		k.logFault("broker %d is %s", i, kind.name)
		err := kind.fail(i)
		if err == nil {
			pause(ctx, between(random, time.Second, 8*time.Second))
			err = kind.repair(i)
		}
		if err != nil {
			k.t.Error(err)
			return
		}
		k.logFault("broker %d is back", i)
		// The next broker fails only after this one has caught up.
		for ok := false; !ok && k.ctx.Err() == nil; ok, _ = k.inSync(k.ctx, 3) {
			pause(k.ctx, 300*time.Millisecond)
		}
		k.logFault("all replicas are in sync")
	}
}

// breakInstances breaks one instance of the service at a time, on the test's
// goroutine. At its end all are running.
func (k *chaos) breakInstances(ctx context.Context, random *rand.Rand) {
	kinds := []struct {
		name   string
		fail   func(*service)
		resume func(*service) // nil: it is started again
		atMost time.Duration
	}{
		{"kill -9", (*service).kill, nil, 3 * time.Second},
		{"SIGTERM", (*service).stop, nil, 3 * time.Second},
		// The session timeout is 6s: some stops are longer.
		{"SIGSTOP", func(s *service) { s.signal(syscall.SIGSTOP) }, func(s *service) { s.signal(syscall.SIGCONT) }, 12 * time.Second},
	}
	for {
		pause(ctx, between(random, time.Second, 6*time.Second))
		if ctx.Err() != nil {
			return
		}
		i, kind := random.IntN(instances), kinds[random.IntN(len(kinds))]
		k.logFault("instance %d (%s): %s", i, k.now[i].name, kind.name)
		kind.fail(k.now[i])
		pause(ctx, between(random, 0, kind.atMost))
		if kind.resume != nil {
			kind.resume(k.now[i])
			k.logFault("instance %d goes on", i)
			continue
		}
		k.launch(i)
		k.logFault("instance %d is started again, as %s", i, k.now[i].name)
	}
}
