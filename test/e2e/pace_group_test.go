//go:build kafka

package e2e

import (
	"testing"
	"time"

	"remux-retrier/internal/mpcsim"
)

// For three minutes a group has a backlog in every partition. A calm interval
// begins ten seconds after a change: a change costs a drain and a new assignment,
// and a crash the session timeout before that.
func TestInvariant4TheGroupUsesItsQuotaAndNeverMore(t *testing.T) {
	if testing.Short() {
		t.Skip("takes three minutes")
	}
	t.Parallel()
	const (
		quota   = 600
		settled = 10 * time.Second
	)
	r := newRig(t, options{partitions: 8, sim: mpcsim.Config{ProcessingFor: time.Hour, Faults: healthy}})
	all := r.load("task", 3000)
	start := func() *service { return r.start("MPC_REQUESTS_PER_MINUTE", perMinute) }
	a, b := start(), start()
	a.ready()
	b.ready()
	var c *service
	began := time.Now()
	calm := map[string]interval{}
	for _, part := range []struct {
		name   string
		until  time.Duration
		change func()
	}{
		{"two instances", 55 * time.Second, func() { c = start().ready() }},
		{"a third has joined", 95 * time.Second, func() { a.stop() }},
		{"one has left", 135 * time.Second, func() { b.kill() }},
		{"one was killed", 180 * time.Second, func() {}},
	} {
		s := interval{from: time.Now().Add(settled), to: began.Add(part.until)}
		if part.name == "one was killed" {
			s.from = s.from.Add(settled)
		}
		calm[part.name] = s
		<-time.After(time.Until(s.to)) // the measured interval
		part.change()
	}

	most := r.mpc.MaxInWindow(time.Minute)
	seen := r.mpc.Requests()
	total, _ := interval{began, time.Now()}.requests(seen)
	falsely, letters := r.onlyRetried(t)
	t.Logf("two instances, 8 partitions, %d a minute, %.0fs with a join, a leave and a kill: at most %d in a window of 60 s, %.0f%% of the quota used in all, false retry_failed %d, dead letters %d",
		quota, time.Since(began).Seconds(), most, 100*float64(total)/(quota*time.Since(began).Minutes()), falsely, letters)
	if most > quota {
		t.Errorf("%d requests in 60 s, the quota is %d", most, quota)
	}
	for name, s := range calm {
		n, wasted := s.requests(seen)
		used := float64(n) / (quota * s.length().Minutes())
		t.Logf("calm, %s: %d requests in %.0fs, %.1f%% of the quota, %d wasted", name, n, s.length().Seconds(), 100*used, wasted)
		if used < 0.9 {
			t.Errorf("%s: %.1f%% of the quota was used with a backlog in every partition, want 90%%", name, 100*used)
		}
	}

	// The rest is answered without a limit, to show that nothing was lost.
	c.stop()
	r.start().ready()
	r.finish(60 * time.Second)
	r.onlyRetried(t)
	r.acceptedAtMostOnce(t, all)
}
