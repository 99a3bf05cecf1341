package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"remux-retrier/consumer"
	"remux-retrier/internal/ledger"
	"remux-retrier/internal/pace"
	"remux-retrier/internal/retrier"
)

// Sources are the functions that metrics are read from at each scrape. All except
// Retries are required.
type Sources struct {
	Consumer func() consumer.Status
	Gate     func() pace.State
	Retrier  func() retrier.Waiting
	Ledger   func() ledger.Status
	// Retries is ledger.Hours; nil without recoveries.
	Retries func() []ledger.Hour
	// Operator reports whether an operator must act before all requests to MPC can succeed.
	Operator func() bool
	Now      func() time.Time
}

// Watch adds the metrics that are read at each scrape. It may be called once.
func (m *Metrics) Watch(s Sources) {
	m.registry.MustRegister(stateCollector{s})
	if s.Retries != nil {
		m.events.WithLabelValues(Recovered, Succeeded)
	}
}

// Ready adds a gauge for one check of /readyz, which is read at each scrape.
func (m *Metrics) Ready(check string, passes func() (ok bool, detail string)) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "ready", ConstLabels: prometheus.Labels{"check": check},
		Help: "Whether a check of /readyz passes (1), by check. /readyz says what is wrong. Present from the start, before the other gauges.",
	}, func() float64 {
		ok, _ := passes()
		return truth(ok)
	}))
}

// CertificateEnds adds a gauge with the client certificate's expiry, which is read at
// each scrape.
func (m *Metrics) CertificateEnds(at func() time.Time) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "client_certificate_expiry_timestamp_seconds",
		Help: "Expiry of the client certificate for the brokers (KAFKA_TLS_CERT_FILE), as Unix time. Only with mutual TLS.",
	}, func() float64 { return float64(at().Unix()) }))
}

// stateCollector reads the packages' own state.
type stateCollector struct{ Sources }

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

var (
	inFlight    = describe("in_flight", "API requests in progress.")
	waiting     = describe("waiting", "Events that wait for a call, by what they wait for: quota, backoff (their last call failed), outage (MPC does not serve), kafka (it has not yet accepted earlier outcomes, or the commit that records the call).", "for")
	lag         = describe("lag", "Records above the committed offset of an assigned partition, by partition. One event that waits keeps all records behind it in the lag.", "partition")
	oldest      = describe("oldest_unanswered_seconds", "Age of the oldest unanswered failure event that this instance holds, by its record's timestamp; 0 if there is none.")
	quota       = describe("quota_per_minute", "Requests a minute that this instance may send now: its share of the quota, or less while MPC throttles.")
	available   = describe("mpc_available", "Whether MPC serves (1) or calls are held back (0).")
	operator    = describe("operator_action_required", "Whether an operator must act before all requests to MPC can succeed (1). /readyz and the log say what to do.")
	throttling  = describe("mpc_throttling", "Whether MPC has recently refused requests because of its quota (1). quota_per_minute is then what MPC admits; mpc_available stays 1.")
	throttled   = describe("mpc_throttled_total", "Requests that MPC refused because of its quota.")
	outages     = describe("mpc_outages_total", "Outages of MPC that this instance has seen.")
	joined      = describe("group_joined", "Whether this instance is a working member of its consumer group (1).")
	generations = describe("rebalances_total", "Assignments of partitions to this instance.")
	commitErrs  = describe("commit_errors_total", "Commits that failed and were retried.")
	publishErrs = describe("publish_errors_total", "Writes to a topic that failed and were retried.")
	fetchErrs   = describe("fetch_errors_total", "Fetches that failed and were retried.")
	dataLoss    = describe("data_loss_total", "Failure events that were deleted before they were read, and topics that were found recreated or cut. Always an alarm.")
	panics      = describe("held_records_total", "Records that stay unanswered because handling them panicked: an error in this program. The log has the stack.")
	unmarked    = describe("unmarked_commits_total", "Committed offsets without usable metadata of this service, by reason: foreign (an operator's reset, another program), cut, damaged. For the events after them the task's state is queried before any call.", "reason")
	stuck       = describe("stuck_messages", "Kinds of messages that a topic rejects until an operator changes its settings.")
	decisions   = describe("ledger_decisions", "Decisions of the whole group, within the budget's window, that this instance holds in memory.")
	caughtUp    = describe("ledger_caught_up", "Whether this instance has read the outcome topics (1). It decides nothing before.")
	skipped     = describe("ledger_skipped_total", "Records on the outcome topics that were skipped, by reason: foreign (of another group or program), unreadable, deleted (by retention, before they were read).", "reason")
	stateDescs  = []*prometheus.Desc{inFlight, waiting, lag, oldest, quota, available, operator, throttling, throttled, outages, joined, generations, commitErrs, publishErrs, fetchErrs, dataLoss, panics, unmarked, stuck, decisions, caughtUp, skipped, acceptedRetries}
)

func (g stateCollector) Describe(out chan<- *prometheus.Desc) {
	for _, d := range stateDescs {
		out <- d
	}
}

func (g stateCollector) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	counter := func(d *prometheus.Desc, value int64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(value), labels...)
	}
	gate, c, w := g.Gate(), g.Consumer(), g.Retrier()

	gauge(inFlight, float64(gate.InFlight))
	forQuota, forOutage, forBackoff := w.Quota, 0, w.Backoff
	if !gate.Available { // then tasks that back off wait for the outage's end too
		forQuota, forOutage, forBackoff = 0, w.Quota+w.Backoff, 0
	}
	gauge(waiting, float64(forQuota), "quota")
	gauge(waiting, float64(forOutage), "outage")
	gauge(waiting, float64(forBackoff), "backoff")
	gauge(waiting, float64(w.Kafka), "kafka")
	gauge(quota, gate.PerMinute)
	gauge(available, truth(gate.Available))
	gauge(operator, truth(g.Operator()))
	gauge(throttling, truth(!gate.Throttling.Since.IsZero()))
	counter(throttled, gate.Throttled)
	counter(outages, gate.Outages)

	var eldest time.Time
	for _, p := range c.Partitions {
		if p.End >= 0 {
			gauge(lag, float64(max(0, p.End-p.Committed)), strconv.Itoa(p.Partition))
		}
		if !p.Oldest.IsZero() && (eldest.IsZero() || p.Oldest.Before(eldest)) {
			eldest = p.Oldest
		}
	}
	age := 0.0
	if !eldest.IsZero() {
		age = max(0, g.Now().Sub(eldest).Seconds())
	}
	gauge(oldest, age)
	gauge(joined, truth(c.Joined))
	gauge(stuck, float64(len(c.Stuck)))
	counter(generations, c.Generations)
	counter(commitErrs, c.CommitErrors)
	counter(publishErrs, c.PublishErrors)
	counter(fetchErrs, c.FetchErrors)
	l := g.Ledger()
	counter(dataLoss, c.DataLoss+l.Recreated)
	counter(panics, c.Panics)
	gauge(decisions, float64(l.Decisions))
	gauge(caughtUp, truth(l.CaughtUp))
	counter(skipped, l.Foreign, "foreign")
	counter(skipped, l.Unreadable, "unreadable")
	counter(skipped, l.Missed, "deleted")
	counter(unmarked, c.Unreadable.Foreign, "foreign")
	counter(unmarked, c.Unreadable.Truncated, "cut")
	counter(unmarked, c.Unreadable.Damaged, "damaged")
	if g.Retries != nil {
		collectRetries(g.Retries(), g.Now(), gauge)
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
