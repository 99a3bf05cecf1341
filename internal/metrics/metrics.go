// Package metrics exports Prometheus metrics of the service: rates, errors and durations
// of events and of API requests, and how saturated it is.
//
// internal/app updates counters and histograms. Gauges are read from the packages' own
// state at each scrape. Labels are bounded enumerations, never a task id. Only
// internal/app, the page and tests import it.
package metrics

import (
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

const namespace = "remux_retrier"

// Further values of the label outcome, besides the kinds of package events.
const (
	DeadLetter = "dead_letter"
	Ignored    = "ignored"
	// NotAFailure and Answered are the reasons for ignored events: a notification that
	// is no failure, and an event that was already answered, by any instance.
	NotAFailure = "not_a_failure"
	Answered    = "answered_before"
	// Recovered are events that report the success of a task after a retry of ours;
	// Succeeded is their reason.
	Recovered = "recovered"
	Succeeded = "succeeded"
)

// ok is the result of a successful request.
const ok = "ok"

// Metrics are the metrics of one process.
type Metrics struct {
	registry *prometheus.Registry
	forPage  *prometheus.Registry // see Totals
	events   *prometheus.CounterVec
	duration prometheus.Histogram
	times    prometheus.Histogram // the same in buckets of 1 %, for the page alone
	requests *prometheus.CounterVec
	latency  *prometheus.HistogramVec
	forced   prometheus.Counter
	// forceIgnored counts events whose header to force them was ignored.
	forceIgnored prometheus.Counter
}

// New registers the counters and histograms, and the process's own metrics.
func New() *Metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	auto := promauto.With(registry)
	m := &Metrics{
		registry: registry,
		events: auto.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "events_total",
			Help: "Failure events that are finished, by outcome (retried, retry_failed, dead_letter, ignored; with KAFKA_TOPIC_RECOVERED also recovered: events that report a success after a retry) and reason.",
		}, []string{"outcome", "reason"}),
		duration: auto.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "event_duration_seconds",
			Help:    "Time from reading a failure event to the acknowledgement of its outcome. Dead letters and ignored events are not counted.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 20, 30, 60, 120, 180, 300, 600, 1800, 3600, 7200, 14400, 43200},
		}),
		requests: auto.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "mpc_requests_total",
			Help: "Requests to the MPC API, by operation (retry, query; login if no credentials could be fetched for the request) and result (ok, or the class of the error).",
		}, []string{"operation", "result"}),
		latency: auto.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "mpc_request_duration_seconds",
			Help:    "Duration of requests to the MPC API, by operation.",
			Buckets: append(slices.Clone(prometheus.DefBuckets), 30, 60, 300), // MPC_TIMEOUT may be minutes
		}, []string{"operation"}),
		forced: auto.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "forced_events_total",
			Help: "Answered failure events with the header " + events.ForceHeader + ", which overrides budget, age and skip codes.",
		}),
	}
	// Not in the exported registry: a scraper that accepts native histograms would leave out the buckets
	// above, which the dashboard uses.
	m.times = prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: namespace, Name: "times_seconds", Help: "event_duration_seconds in buckets of 1 %.", NativeHistogramBucketFactor: 1.02, // the library takes 2^(1/64), about 1.1 %
	})
	m.forPage = prometheus.NewRegistry()
	m.forPage.MustRegister(m.events, m.times)
	m.forceIgnored = auto.NewCounter(prometheus.CounterOpts{
		Namespace: namespace, Name: "force_ignored_total",
		Help: "Failure events whose header " + events.ForceHeader + " was ignored because RETRY_ALLOW_FORCE is false.",
	})
	// Each series begins at 0: rate() does not see the first increment of a new series.
	for _, r := range events.Reasons() {
		m.events.WithLabelValues(string(r.Kind()), string(r))
	}
	for _, d := range events.Defects() {
		m.events.WithLabelValues(DeadLetter, string(d))
	}
	m.events.WithLabelValues(Ignored, NotAFailure)
	m.events.WithLabelValues(Ignored, Answered)
	for _, operation := range []string{mpcclient.OperationRetry, mpcclient.OperationQuery, mpcclient.OperationLogin} {
		m.requests.WithLabelValues(operation, ok)
		for class := mpcclient.Ambiguous; class <= mpcclient.Lost; class++ {
			m.requests.WithLabelValues(operation, class.String())
		}
	}
	return m
}

// Handler serves /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Event counts a finished event. Its duration is counted only if it has an outcome: dead
// letters and ignored events take no time, and would hide how long tasks wait for their
// retry. On a nil Metrics it does nothing.
func (m *Metrics) Event(outcome, reason string, took time.Duration) {
	if m == nil {
		return
	}
	m.events.WithLabelValues(outcome, reason).Inc()
	if outcome != DeadLetter && outcome != Ignored && outcome != Recovered {
		m.duration.Observe(took.Seconds())
		m.times.Observe(took.Seconds())
	}
}

// Forced counts an answered event that was forced.
func (m *Metrics) Forced() {
	if m != nil {
		m.forced.Inc()
	}
}

// ForceIgnored counts an event whose header to force it was ignored.
func (m *Metrics) ForceIgnored() {
	if m != nil {
		m.forceIgnored.Inc()
	}
}

// Request counts a request to the API and its duration. An error that is not an
// *mpcclient.Error counts as lost. If the login failed, the request counts as a login.
func (m *Metrics) Request(operation string, err error, took time.Duration) {
	result := ok
	if err != nil {
		var failure *mpcclient.Error
		result = mpcclient.Lost.String()
		if errors.As(err, &failure) {
			result = failure.Class.String()
			if failure.Operation == mpcclient.OperationLogin {
				operation = failure.Operation // nothing was sent to MPC
			}
		}
	}
	m.requests.WithLabelValues(operation, result).Inc()
	m.latency.WithLabelValues(operation).Observe(took.Seconds())
}
