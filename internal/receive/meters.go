package receive

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const namespace = "remux_retrier"

// reasons are the reasons of each result.
var reasons = map[string][]string{
	published:    {failure, noFailure, unreadable},
	dropped:      {otherEvent},
	confirmed:    {bySMN},
	unsubscribed: {bySMN},
	refused:      {"malformed", "too_large", "encoding", "type", "topic", "certificate_host", "certificate", "signature", "time", "subscribe_host"},
	unavailable:  {"kafka", "rejected", "certificate", "confirmation", "busy", "body"},
}

// Reasons lists the reasons of each result of receive_messages_total.
func Reasons() map[string][]string { return reasons }

// Meters are the metrics of one process.
type Meters struct {
	registry *prometheus.Registry
	messages *prometheus.CounterVec
	duration prometheus.Histogram
}

// NewMeters registers all metrics but those of Watch and CertificateEnds.
func NewMeters() *Meters {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	auto := promauto.With(registry)
	m := &Meters{
		registry: registry,
		messages: auto.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "receive_messages_total",
			Help: "Messages that came to remux-retrier receive, by result (published, dropped, confirmed, unsubscribed; refused: answered 4xx, SMN discards it; unavailable: answered 503, SMN sends it again) and reason.",
		}, []string{"result", "reason"}),
		duration: auto.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "receive_duration_seconds",
			Help:    "Time from a message's headers to its response. SMN waits 5 seconds.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2, 3, 4, 5, 10},
		}),
	}
	// A series that begins at its first event hides that event from increase().
	for result, all := range reasons {
		for _, reason := range all {
			m.messages.WithLabelValues(result, reason)
		}
	}
	return m
}

// Watch adds the metric of readiness, which is read at each scrape. It may be called once.
func (m *Meters) Watch(ready func() bool) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "receive_ready",
		Help: "Whether this instance of remux-retrier receive can publish messages (1). /readyz says what is wrong.",
	}, func() float64 {
		if ready() {
			return 1
		}
		return 0
	}))
}

// CertificateEnds adds the metric of the server certificate's expiry, which is read at each
// scrape. It may be called once.
func (m *Meters) CertificateEnds(at func() time.Time) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Namespace: namespace, Name: "receive_certificate_expiry_timestamp_seconds",
		Help: "Expiry of receive's own certificate (RECEIVE_TLS_CERT_FILE), as Unix time. Only where it is set.",
	}, func() float64 { return float64(at().Unix()) }))
}

// Handler serves /metrics.
func (m *Meters) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

func (m *Meters) message(result, reason string, took time.Duration) {
	m.messages.WithLabelValues(result, reason).Inc()
	m.duration.Observe(took.Seconds())
}
