//go:build kafka

package e2e

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"remux-retrier/internal/mpcsim"
)

// allAtOnce runs subtests concurrently, whatever -test.parallel says. They mostly
// wait.
func allAtOnce(t *testing.T, tests map[string]func(*testing.T)) {
	t.Helper()
	var running sync.WaitGroup
	for name, test := range tests {
		running.Go(func() { t.Run(name, test) })
	}
	running.Wait()
}

// healthy is an API that answers as fast as from within the data centre.
var healthy = mpcsim.Faults{Latency: 50 * time.Millisecond}

// interval is a time in which a group's use of the API is measured.
type interval struct{ from, to time.Time }

func intervalSince(from time.Time, duration time.Duration) interval {
	return interval{from, from.Add(duration)}
}

func (s interval) length() time.Duration { return s.to.Sub(s.from) }

// requests counts the requests in the interval, and those of them that had no
// effect or lost their answer. Logins are left out.
func (s interval) requests(all []mpcsim.Request) (total, wasted int) {
	for _, q := range all {
		if q.At.Before(s.from) || !q.At.Before(s.to) || q.Operation == mpcsim.Login {
			continue
		}
		total++
		if !servedBy(q) {
			wasted++
		}
	}
	return total, wasted
}

func servedBy(q mpcsim.Request) bool { return q.Verdict == mpcsim.Accepted && !q.Lost }

// servedTimes returns when the requests after a time arrived that were served.
func servedTimes(all []mpcsim.Request, after time.Time) (times []time.Time) {
	for _, q := range all {
		if q.At.After(after) && servedBy(q) {
			times = append(times, q.At)
		}
	}
	return times
}

// fullSpeed returns how long after a time requests are served at a rate again: at
// the first of twenty in a row with at least 0.9 of the rate.
func fullSpeed(all []mpcsim.Request, after time.Time, perSecond float64) (time.Duration, bool) {
	const row = 20
	most := time.Duration((row - 1) / (0.9 * perSecond) * float64(time.Second))
	times := servedTimes(all, after)
	for i := 0; i+row <= len(times); i++ {
		if times[i+row-1].Sub(times[i]) <= most {
			return times[i].Sub(after), true
		}
	}
	return 0, false
}

// sample is one scrape of /metrics: values by series name with labels.
type sample map[string]float64

func (s *service) scrape() sample {
	s.t.Helper()
	status, body := s.get("/metrics")
	if status != 200 {
		s.t.Fatalf("/metrics of %s: %d %s", s.name, status, body)
	}
	values := sample{}
	for line := range strings.Lines(body) {
		cut := strings.LastIndexByte(line, ' ')
		if strings.HasPrefix(line, "#") || cut < 0 {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(line[cut:]), 64)
		if err != nil {
			s.t.Fatalf("/metrics of %s: %q: %v", s.name, line, err)
		}
		values[line[:cut]] = value
	}
	return values
}

// gauge returns the value of a series, which must exist. The name is given without
// the prefix remux_retrier_.
func (v sample) gauge(t *testing.T, series string) float64 {
	t.Helper()
	value, there := v["remux_retrier_"+series]
	if !there {
		t.Errorf("/metrics has no remux_retrier_%s", series)
		return math.NaN()
	}
	return value
}

// sum adds up the series of a family whose labels contain the text. If but is true,
// it adds up those whose labels do not.
func (v sample) sum(family, text string, but bool) (total float64) {
	for series, value := range v {
		if strings.HasPrefix(series, "remux_retrier_"+family+"{") && strings.Contains(series, text) != but {
			total += value
		}
	}
	return total
}

// failedRequests returns how many requests to the API failed, as the service counts
// them: the simulator does not see refused connections.
func (s *service) failedRequests() int {
	s.t.Helper()
	return int(s.scrape().sum("mpc_requests_total", `result="ok"`, true))
}

// onlyRetried checks that no event has a retry_failed outcome or a dead letter, and
// returns the numbers of both.
func (r *rig) onlyRetried(t *testing.T) (falsely, letters int) {
	t.Helper()
	for reason, n := range r.collector.reasons() {
		if reason != "accepted" && reason != "already_running" {
			t.Errorf("%d events were answered %s", n, reason)
			falsely += n
		}
	}
	r.collector.mu.Lock()
	defer r.collector.mu.Unlock()
	letters = len(r.collector.letters)
	if letters > 0 {
		t.Errorf("%d dead letters", letters)
	}
	return falsely, letters
}

func median(times []time.Duration) time.Duration {
	if len(times) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(times))
	return sorted[len(sorted)/2]
}
