//go:build kafka

package e2e

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"remux-retrier/internal/mpcsim"
)

// The quota of these tests, and the rate at which the service calls: it leaves 5 %
// of the quota unused.
const (
	perMinute = "600"
	fullRate  = 600.0 / 60 * 0.95
)

// outageLengths returns how long each kind of outage lasts, one after the other.
func outageLengths() []time.Duration {
	if testing.Short() {
		return []time.Duration{10 * time.Second}
	}
	return []time.Duration{10 * time.Second, 60 * time.Second}
}

func TestInvariant2EachOutageWastesLittleAndEndsSoon(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*testing.T){}
	for name, k := range outageKinds {
		tests[name] = func(t *testing.T) { outage(t, name, k) }
	}
	allAtOnce(t, tests)
}

func outage(t *testing.T, name string, k kind) {
	k.sim.ProcessingFor, k.sim.Faults = time.Hour, healthy
	k.inFlight = cmp.Or(k.inFlight, 5)
	r := newRig(t, options{partitions: 1, sim: k.sim})
	env, begin := k.prepare(r)
	all := r.load("task", 130*len(outageLengths())) // a backlog throughout
	s := r.start(append(env, "MPC_REQUESTS_PER_MINUTE", perMinute, "MPC_MAX_IN_FLIGHT", fmt.Sprint(k.inFlight))...).ready()

	within := 2 * time.Second
	if name == "429" {
		within = time.Minute
	}
	for _, duration := range outageLengths() {
		r.atFullSpeed(t, time.Now())
		failed, before := s.failedRequests(), r.collector.count()
		during := interval{from: time.Now()}
		end := begin()
		s.staysHealthy(time.Until(during.from.Add(duration)))
		end()
		during.to = time.Now()
		again := r.atFullSpeed(t, during.to)

		// The simulator does not see calls that did not reach it, and the service does
		// not see requests that reached it on a connection that was then cut.
		_, wasted := during.requests(r.mpc.Requests())
		wasted = max(wasted, s.failedRequests()-failed)
		falsely, letters := r.onlyRetried(t)
		most := int(duration/time.Second) + k.inFlight
		t.Logf("outage %s %v: false retry_failed %d, dead letters %d, wasted calls %d (allowed %d + %d in flight), full speed after %.1fs",
			name, duration, falsely, letters, wasted, int(duration/time.Second), k.inFlight, again.Seconds())
		if wasted > most {
			t.Errorf("%d calls were wasted in %v, want at most %d", wasted, duration, most)
		}
		every := 2 * time.Second // probes are one a second, or a little less often
		if name == "429" {
			every = 10 * time.Second // throttled: the pauses between probes double
		}
		if wasted < int(duration/every) {
			t.Errorf("%d calls were wasted in %v: the API was not away, or was not probed", wasted, duration)
		}
		if again > within {
			t.Errorf("full speed %v after the end, want it within %v", again, within)
		}
		if n := r.collector.count() - before; n >= len(all)-before {
			t.Errorf("all %d events are answered: too few to measure the speed", len(all))
		}
	}
	r.finishWithoutRepeats(60 * time.Second)
	r.onlyRetried(t)
	r.acceptedAtMostOnce(t, all)
}

// atFullSpeed waits until requests are served at the full rate again, and returns
// how long after the given time that began.
func (r *rig) atFullSpeed(t *testing.T, after time.Time) (again time.Duration) {
	t.Helper()
	waitFor(t, 70*time.Second, "calls at the quota's rate", func() (ok bool, state string) {
		all := r.mpc.Requests()
		again, ok = fullSpeed(all, after, fullRate)
		return ok, fmt.Sprintf("%d requests were served since, of %d", len(servedTimes(all, after)), r.mpc.Counters().Retries)
	})
	return again
}

// staysHealthy checks /healthz each second for the given time.
func (s *service) staysHealthy(duration time.Duration) {
	s.t.Helper()
	end := time.After(duration)
	look := time.NewTicker(time.Second)
	defer look.Stop()
	for {
		select {
		case <-end:
			return
		case <-look.C:
			if status, body := s.get("/healthz"); status != 200 {
				s.t.Errorf("/healthz of %s: %d %s", s.name, status, body)
			}
		}
	}
}

// Half of all answers are 503s. That must not count as a long outage, and no event
// may fail because of it.
func TestRandomFailuresOfHalfTheCallsDecideNothing(t *testing.T) {
	t.Parallel()
	duration := outageLengths()[len(outageLengths())-1]
	r := newRig(t, options{sim: mpcsim.Config{Faults: healthy}})
	front := newGateway(r, 0.5)
	stop := r.publishSteadily(250 * time.Millisecond)
	r.start("MPC_ENDPOINT", front.url, "MPC_REQUESTS_PER_MINUTE", perMinute, "RETRY_MAX_ATTEMPTS", "3").ready()
	<-time.After(duration) // the failures
	before := r.collector.count()
	failed := front.failed.Load()
	front.rate.Store(0)
	all := stop()
	ended := time.Now()
	r.finishWithoutRepeats(2 * time.Minute)
	falsely, letters := r.onlyRetried(t)
	calls := r.mpc.Counters().Retries
	t.Logf("50%% 503s for %v: attempts_exhausted %d, false retry_failed %d, dead letters %d; %d of %d events answered meanwhile, %d calls failed, %d served; the last answer %.1fs after the end",
		duration, r.collector.reasons()["attempts_exhausted"], falsely, letters, before, len(all), failed, calls, time.Since(ended).Seconds())
	r.calledOnce(t, len(all))
	if failed < int64(before)/2 {
		t.Errorf("%d calls failed for %d answers: not half of them", failed, before)
	}
}
