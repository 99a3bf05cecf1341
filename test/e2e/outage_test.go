//go:build kafka

package e2e

import (
	"slices"
	"testing"
	"time"

	"remux-retrier/internal/mpcsim"
)

func TestInvariant2AnOutageDecidesNothing(t *testing.T) {
	for name, faults := range map[string]mpcsim.Faults{
		"503":                 {Outage: mpcsim.Down},
		"500":                 {Outage: mpcsim.Broken},
		"429":                 {PerSecond: 1e-6},
		"406 MPC.10237":       {PerSecond: 1e-6, ThrottleAsMPC: true},
		"401":                 {Outage: mpcsim.Unauthorized},
		"403 of a white list": {Outage: mpcsim.Denied},
		"403 HTML":            {Outage: mpcsim.Firewall},
		"reset":               {Outage: mpcsim.Resetting},
		"hanging":             {Outage: mpcsim.Hanging},
		"refused":             {}, // the port is closed
		"answers lost":        {LossRate: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const inFlight, duration = 16, 10 * time.Second
			healthy := mpcsim.Faults{Latency: 20 * time.Millisecond}
			faults.Latency = healthy.Latency
			r := newRig(t, options{sim: mpcsim.Config{ProcessingFor: time.Hour, Faults: healthy}})
			r.start("MPC_MAX_IN_FLIGHT", "16").ready()
			stop := r.publishSteadily(10 * time.Millisecond)
			r.waitForAnswers(100, 20*time.Second)

			must(t, r.mpc.SetFaults(faults))
			if name == "refused" {
				r.mpc.Refuse()
			}
			began := time.Now()
			<-time.After(duration) // the outage
			wasted := wastedSince(r.mpc.Requests(), began)
			must(t, r.mpc.SetFaults(healthy), r.mpc.Reopen())
			ended := time.Now()
			waitFor(t, 30*time.Second, "calls to be served again", func() (bool, string) {
				return slices.ContainsFunc(r.mpc.Requests(), func(q mpcsim.Request) bool {
					return q.At.After(ended) && q.Verdict == mpcsim.Accepted && !q.Lost
				}), ""
			})
			t.Logf("%s for %v: %d wasted calls; served again after %v", name, duration, wasted, time.Since(ended).Round(time.Millisecond))
			all := stop()
			r.finishWithoutRepeats(60 * time.Second)

			if name == "refused" && wasted > 0 {
				t.Errorf("%d calls arrived through a closed port", wasted)
			}
			// One probe a second, the calls in flight at the beginning, and a few
			// until the outage is noticed.
			if most := int(duration/time.Second) + inFlight + 6; wasted > most {
				t.Errorf("%d calls were wasted, want at most about %d", wasted, most)
			}
			reasons := r.collector.reasons()
			if reasons["accepted"]+reasons["already_running"] != len(all) {
				t.Errorf("%d events, answered %v: an outage must not fail an event", len(all), reasons)
			}
			if faults.LossRate == 0 && faults.Outage != mpcsim.Hanging && reasons["already_running"] > inFlight {
				t.Errorf("%d events are already_running, more than can have been in doubt", reasons["already_running"])
			}
			r.acceptedAtMostOnce(t, all)
		})
	}
}

// wastedSince counts the requests since a time that had no effect or lost their
// answer.
func wastedSince(requests []mpcsim.Request, began time.Time) (n int) {
	for _, request := range requests {
		if request.At.After(began) && (request.Verdict != mpcsim.Accepted || request.Lost) {
			n++
		}
	}
	return n
}

func TestAThrottlingAnswerSlowsDownAndDecidesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{sim: mpcsim.Config{Faults: mpcsim.Faults{PerSecond: 20}}})
	all := r.load("task", 200)
	r.start().ready()
	r.finishWithoutRepeats(60 * time.Second)
	if n := r.collector.reasons(); n["accepted"] != len(all) {
		t.Errorf("%d events, answered %v", len(all), n)
	}
	n := r.mpc.Counters()
	t.Logf("%d calls served at 20 a second, %d throttled", n.Accepted, n.Refused)
	if n.Refused > len(all)/2 {
		t.Errorf("%d calls were throttled, %d served", n.Refused, n.Accepted)
	}
}

func TestTheQuotaIsTheGroups(t *testing.T) {
	t.Parallel()
	const quota = 600
	r := newRig(t, options{partitions: 4})
	a := r.start("MPC_REQUESTS_PER_MINUTE", "600").ready()
	r.start("MPC_REQUESTS_PER_MINUTE", "600").ready()
	a.ready()
	r.load("task", 1000)
	r.waitForAnswers(610, 80*time.Second)
	full := r.mpc.MaxInWindow(time.Minute)
	a.stop() // the other takes over its share, not the requests it has used
	r.waitForAnswers(700, 40*time.Second)
	most := r.mpc.MaxInWindow(time.Minute)
	t.Logf("at most %d requests a minute with a backlog, %d with a stop, of %d", full, most, quota)
	if most > quota {
		t.Errorf("%d requests in 60 s, the quota is %d", most, quota)
	}
	if full < quota*9/10 {
		t.Errorf("%d requests in 60 s with a backlog everywhere: less than 90 %% of %d", full, quota)
	}
}
