package metrics

import (
	"errors"
	"io"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"remux-retrier/consumer"
	"remux-retrier/internal/ledger"
	"remux-retrier/internal/pace"
	"remux-retrier/internal/retrier"
	"remux-retrier/mpcclient"
)

var now = time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)

// scrape returns /metrics for the given states.
func scrape(t *testing.T, m *Metrics, c consumer.Status, g pace.State, w retrier.Waiting) string {
	t.Helper()
	m.Watch(Sources{
		Consumer: func() consumer.Status { return c }, Gate: func() pace.State { return g },
		Ledger:  func() ledger.Status { return ledger.Status{CaughtUp: true, Decisions: 7, Foreign: 2, Unreadable: 1} },
		Retrier: func() retrier.Waiting { return w }, Operator: func() bool { return !g.Available },
		Now: func() time.Time { return now },
	})
	server := httptest.NewServer(m.Handler())
	defer server.Close()
	answer, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func want(t *testing.T, text string, lines ...string) {
	t.Helper()
	for _, line := range lines {
		if !slices.Contains(strings.Split(text, "\n"), "remux_retrier_"+line) {
			name, _, _ := strings.Cut(line, " ")
			t.Errorf("want %q, got %q", line, regexp.MustCompile(`(?m)^remux_retrier_`+regexp.QuoteMeta(name)+`.*$`).FindAllString(text, -1))
		}
	}
}

func TestGaugesTellWhatThePackagesKnow(t *testing.T) {
	text := scrape(t, New(), consumer.Status{
		Joined: true, Stuck: []consumer.StuckMessage{{Problem: "a message of 9 bytes"}},
		Partitions: []consumer.PartitionStatus{
			{Partition: 0, Committed: 10, End: 25, Unanswered: 2, Oldest: now.Add(-time.Minute)},
			{Partition: 3, Committed: 7, End: 7},
			{Partition: 4, Committed: 7, End: -1, Unanswered: 1, Oldest: now.Add(-time.Second)},
		},
		Generations: 2, CommitErrors: 3, PublishErrors: 4, FetchErrors: 5, DataLoss: 6,
		Unreadable: consumer.UnreadableMetadata{Foreign: 13, Truncated: 14, Damaged: 15},
	}, pace.State{PerMinute: 95, InFlight: 7, Available: true, Counters: pace.Counters{Throttled: 8, Outages: 9}, Throttling: pace.Throttling{Since: now}}, retrier.Waiting{Quota: 11, Backoff: 12, Kafka: 16})
	want(t, text,
		"in_flight 7", `waiting{for="quota"} 11`, `waiting{for="backoff"} 12`, `waiting{for="outage"} 0`, `waiting{for="kafka"} 16`,
		`lag{partition="0"} 15`, `lag{partition="3"} 0`, "oldest_unanswered_seconds 60", "quota_per_minute 95",
		"mpc_available 1", "operator_action_required 0", "mpc_throttled_total 8", "mpc_throttling 1", "mpc_outages_total 9", "group_joined 1",
		"rebalances_total 2", "commit_errors_total 3", "publish_errors_total 4", "fetch_errors_total 5",
		"data_loss_total 6", "stuck_messages 1",
		`unmarked_commits_total{reason="foreign"} 13`, `unmarked_commits_total{reason="cut"} 14`, `unmarked_commits_total{reason="damaged"} 15`,
	)
	if strings.Contains(text, `lag{partition="4"}`) {
		t.Error("a lag is exported that is not known")
	}
	if !strings.Contains(text, "go_goroutines") || !strings.Contains(text, "process_cpu_seconds_total") {
		t.Error("the process's own metrics are missing")
	}
}

func TestWaitingDuringAnOutageIsForItOrForKafka(t *testing.T) {
	text := scrape(t, New(), consumer.Status{}, pace.State{}, retrier.Waiting{Quota: 11, Backoff: 3, Kafka: 4})
	want(t, text, `waiting{for="kafka"} 4`, `waiting{for="quota"} 0`, `waiting{for="backoff"} 0`, `waiting{for="outage"} 14`, "mpc_available 0", "operator_action_required 1",
		"oldest_unanswered_seconds 0", "group_joined 0")
}

func TestEachCheckOfReadinessIsAGaugeBeforeAllOthers(t *testing.T) {
	m := New()
	m.Ready("brokers", func() (bool, string) { return false, "no route" })
	m.Ready("group", func() (bool, string) { return true, "" })
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	want(t, w.Body.String(), `ready{check="brokers"} 0`, `ready{check="group"} 1`)
}

func TestTheClientCertificatesEndIsATime(t *testing.T) {
	m := New()
	m.CertificateEnds(func() time.Time { return time.Unix(1_800_000_000, 0) })
	want(t, scrape(t, m, consumer.Status{}, pace.State{}, retrier.Waiting{}), "client_certificate_expiry_timestamp_seconds 1.8e+09")
}

func TestEventsAndRequestsAreCounted(t *testing.T) {
	m := New()
	m.Event("retried", "accepted", 20*time.Millisecond)
	m.Event("retried", "accepted", 2*time.Second)
	m.Event(DeadLetter, "not_json", time.Millisecond)
	m.Event(Ignored, NotAFailure, time.Microsecond) // these two have no outcome
	m.Event("retry_failed", "rejected", time.Minute)
	m.ForceIgnored()
	m.Request("retry", nil, time.Millisecond)
	m.Request("login", nil, 4*time.Minute)
	m.Request("retry", &mpcclient.Error{Class: mpcclient.Throttled}, time.Millisecond)
	m.Request("query", errors.New("lost on the way"), time.Second)
	want(t, scrape(t, m, consumer.Status{}, pace.State{}, retrier.Waiting{}),
		`events_total{outcome="retried",reason="accepted"} 2`, `events_total{outcome="dead_letter",reason="not_json"} 1`,
		`mpc_request_duration_seconds_bucket{operation="login",le="60"} 0`, `mpc_request_duration_seconds_bucket{operation="login",le="300"} 1`,
		`mpc_request_duration_seconds_bucket{operation="retry",le="0.005"} 2`, `mpc_request_duration_seconds_bucket{operation="retry",le="10"} 2`,
		"event_duration_seconds_count 3", "force_ignored_total 1", `mpc_requests_total{operation="retry",result="ok"} 1`,
		`mpc_requests_total{operation="retry",result="throttled"} 1`, `mpc_requests_total{operation="query",result="lost"} 1`,
		`mpc_request_duration_seconds_count{operation="retry"} 2`)
}

func TestNamesFollowPrometheusRules(t *testing.T) {
	m := New()
	m.Event("retried", "accepted", time.Second)
	m.Request("retry", nil, time.Second)
	_ = scrape(t, m, consumer.Status{Partitions: []consumer.PartitionStatus{{}}}, pace.State{}, retrier.Waiting{})
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range slices.DeleteFunc(problems, func(p promlint.Problem) bool { return !strings.HasPrefix(p.Metric, namespace) }) {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestResultsOfRetriesAreReportedWithRecoveries(t *testing.T) {
	hours := []ledger.Hour{
		{From: now.Add(-3 * time.Hour), Retries: 9, Recovered: 4, FailedAgain: 3},
		{From: now.Add(-2 * time.Hour), Retries: 5, Recovered: 5},
		{From: now.Add(-time.Hour), Retries: 7, Recovered: 1},
	}
	m := New()
	m.Event(Recovered, Succeeded, time.Hour)
	m.Watch(Sources{
		Consumer: func() consumer.Status { return consumer.Status{} }, Gate: func() pace.State { return pace.State{} },
		Ledger: func() ledger.Status { return ledger.Status{} }, Retrier: func() retrier.Waiting { return retrier.Waiting{} },
		Retries: func() []ledger.Hour { return hours }, Operator: func() bool { return false }, Now: func() time.Time { return now },
	})
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	want(t, w.Body.String(), `accepted_retries{result="recovered"} 10`, `accepted_retries{result="failed_again"} 3`,
		`accepted_retries{result="not_heard_of"} 2`, `accepted_retries{result="recent"} 6`,
		`events_total{outcome="recovered",reason="succeeded"} 1`, "event_duration_seconds_count 0")
	if text := scrape(t, New(), consumer.Status{}, pace.State{}, retrier.Waiting{}); strings.Contains(text, "accepted_retries") || strings.Contains(text, `outcome="recovered"`) {
		t.Error("results of retries are exported without recoveries")
	}
}
