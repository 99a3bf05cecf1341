package metrics

import (
	"fmt"

	"github.com/prometheus/client_golang/prometheus"
)

// Totals are the counts since the start, for the operator's page. They are the same as
// on /metrics.
type Totals struct {
	// Events are events_total, the series at 0 left out.
	Events []EventCount
	// Durations are the buckets of event_duration_seconds, ascending. The counts
	// are cumulative; what is above the last bound is in All alone.
	Durations []Bucket
	All       uint64
}

// EventCount is one series of events_total.
type EventCount struct {
	Outcome, Reason string
	Count           int64
}

// Bucket counts the events that took up to Seconds.
type Bucket struct {
	Seconds float64
	Count   uint64
}

// Totals reads the counters. It takes some ten microseconds.
func (m *Metrics) Totals() (Totals, error) {
	some := prometheus.NewRegistry()
	some.MustRegister(m.events, m.duration)
	families, err := some.Gather()
	if err != nil {
		return Totals{}, fmt.Errorf("read the counters: %w", err)
	}
	var t Totals
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if h := metric.GetHistogram(); h != nil {
				t.All = h.GetSampleCount()
				for _, b := range h.GetBucket() {
					t.Durations = append(t.Durations, Bucket{b.GetUpperBound(), b.GetCumulativeCount()})
				}
				continue
			}
			count := EventCount{Count: int64(metric.GetCounter().GetValue())}
			for _, label := range metric.GetLabel() {
				switch label.GetName() {
				case "outcome":
					count.Outcome = label.GetValue()
				case "reason":
					count.Reason = label.GetValue()
				}
			}
			if count.Count > 0 {
				t.Events = append(t.Events, count)
			}
		}
	}
	return t, nil
}
