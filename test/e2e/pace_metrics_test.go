//go:build kafka

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"remux-retrier/internal/mpcsim"
	"remux-retrier/internal/testkafka"
)

func TestMetricsTellOfAnOutageAndOfItsEnd(t *testing.T) {
	t.Parallel()
	const partitions, duration = 4, 8 * time.Second
	r := newRig(t, options{partitions: partitions, sim: mpcsim.Config{Faults: healthy}})
	r.load("secret-task", 150)
	s := r.start("MPC_REQUESTS_PER_MINUTE", perMinute).ready()
	r.waitForAnswers(20, 20*time.Second)
	calm := s.scrape()
	must(t, r.mpc.SetFaults(mpcsim.Faults{Outage: mpcsim.Down}))
	s.waitFor(10*time.Second, "to show the outage", func() (bool, string) {
		return s.scrape().gauge(t, "mpc_available") == 0, ""
	})
	early := s.scrape()
	s.staysHealthy(duration)
	late := s.scrape()
	must(t, r.mpc.SetFaults(healthy))
	r.waitForAnswers(100, 60*time.Second)
	after := s.scrape()
	r.waitForAnswers(r.expectedAnswers(), 60*time.Second)
	s.waitFor(10*time.Second, "to have committed everything", func() (bool, string) {
		end := s.scrape()
		return end.sum("lag", "", false) == 0, fmt.Sprint(end.sum("lag", "", false))
	})
	end := s.scrape()

	for what, ok := range map[string]bool{
		"mpc_available 1, 0, 1":            calm.gauge(t, "mpc_available") == 1 && late.gauge(t, "mpc_available") == 0 && after.gauge(t, "mpc_available") == 1,
		"events wait for quota before":     calm.gauge(t, `waiting{for="quota"}`) > 0 && calm.gauge(t, `waiting{for="outage"}`) == 0,
		"events wait for the outage in it": late.gauge(t, `waiting{for="outage"}`) > 0 && late.gauge(t, `waiting{for="quota"}`) == 0,
		"the quota of this instance":       calm.gauge(t, "quota_per_minute") > 500 && calm.gauge(t, "quota_per_minute") <= 600,
		"the oldest event ages":            late.gauge(t, "oldest_unanswered_seconds")-early.gauge(t, "oldest_unanswered_seconds") > duration.Seconds()-2,
		"no event is old when all is done": end.gauge(t, "oldest_unanswered_seconds") == 0,
		"failed calls are counted":         late.sum("mpc_requests_total", `result="transient"`, false) > calm.sum("mpc_requests_total", `result="transient"`, false),
		"events_total are the outcomes":    end.gauge(t, `events_total{outcome="retried",reason="accepted"}`) == 150 && end.sum("events_total", "", false) == 150,
		"event durations are the events'":  end.gauge(t, "event_duration_seconds_count") == 150,
		"accepted calls are the API's":     end.sum("mpc_requests_total", `result="ok"`, false) == float64(r.mpc.Counters().Accepted),
		"durations of calls, as many":      end.sum("mpc_request_duration_seconds_count", "", false) == end.sum("mpc_requests_total", "", false),
		"nothing is in flight in the end":  end.gauge(t, "in_flight") == 0 && end.gauge(t, `waiting{for="backoff"}`) == 0,
	} {
		if !ok {
			t.Errorf("not true: %s", what)
		}
	}
	for p := range partitions {
		if lag := late.gauge(t, fmt.Sprintf(`lag{partition="%d"}`, p)); lag <= 0 {
			t.Errorf("the lag of partition %d is %v in the outage", p, lag)
		}
	}
	for _, family := range []string{"go_goroutines", "process_resident_memory_bytes"} {
		if end[family] <= 0 {
			t.Errorf("%s is %v", family, end[family])
		}
	}
	_, text := s.get("/metrics") // get checks that it has no secrets
	if strings.Contains(text, "secret-task") {
		t.Error("/metrics shows a task id")
	}
	// The checks of `promtool check metrics`.
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	must(t, err)
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	t.Logf("metrics: oldest %.0fs → %.0fs in the outage, then %.0fs; waiting for it %.0f; %d series, %d lint problems",
		early.gauge(t, "oldest_unanswered_seconds"), late.gauge(t, "oldest_unanswered_seconds"), end.gauge(t, "oldest_unanswered_seconds"),
		late.gauge(t, `waiting{for="outage"}`), len(end), len(problems))
	r.finishWithoutRepeats(10 * time.Second)
}

func TestHealthSurvivesBrokersThatAreAway(t *testing.T) {
	t.Parallel()
	duration := outageLengths()[len(outageLengths())-1]
	c, o := ownCluster(t, testkafka.Config{}, options{sim: mpcsim.Config{Faults: healthy}})
	r := newRig(t, o)
	all := r.load("task", 60*int(duration/time.Second))
	s := r.start("MPC_REQUESTS_PER_MINUTE", "6000").ready()
	r.waitForAnswers(50, 20*time.Second)
	must(t, c.Stop(0))
	s.staysHealthy(duration)
	if status, body := s.get("/readyz"); status != 503 || !strings.Contains(body, "brokers") {
		t.Errorf("/readyz without brokers: %d %s", status, body)
	}
	must(t, c.Restart(r.ctx, 0))
	s.ready()
	back := time.Now()
	before := r.collector.count()
	r.waitForAnswers(before+50, 60*time.Second)
	falsely, letters := r.onlyRetried(t)
	t.Logf("brokers away for %v: /healthz 200 throughout, false retry_failed %d, dead letters %d, ready and answering %.1fs after their return",
		duration, falsely, letters, time.Since(back).Seconds())
	r.finish(90 * time.Second)
	r.onlyRetried(t)
	r.acceptedAtMostOnce(t, all)
}
