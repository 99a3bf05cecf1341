package metrics

import (
	"fmt"
	"math"
)

// Totals are the counts since the start, for the operator's page. Events are those of
// /metrics; Times are the same durations in finer buckets, which /metrics does not have.
type Totals struct {
	// Events are events_total, the series at 0 left out.
	Events []EventCount
	// Times are the durations of event_duration_seconds, ascending, each within about
	// half a percent.
	Times []Time
}

// EventCount is one series of events_total.
type EventCount struct {
	Outcome, Reason string
	Count           int64
}

// Time counts the events that took about the same time.
type Time struct {
	Seconds float64 // the middle of their bucket
	Count   uint64
}

// Totals reads the counters. It takes some ten microseconds.
func (m *Metrics) Totals() (Totals, error) {
	families, err := m.forPage.Gather()
	if err != nil {
		return Totals{}, fmt.Errorf("read the counters: %w", err)
	}
	var t Totals
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			if h := metric.GetHistogram(); h != nil {
				t.Times = times(h)
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

// nativeHistogram is the part of Prometheus' *dto.Histogram that is used. That type's module,
// client_model, would otherwise be a dependency of our own.
type nativeHistogram[Span span] interface {
	GetSchema() int32
	GetZeroCount() uint64
	GetPositiveSpan() []Span
	GetPositiveDelta() []int64
}

type span interface {
	GetOffset() int32
	GetLength() uint32
}

// times reads a native histogram: bucket i ends at 2^(i/2^schema). A span is a run of
// buckets; its offset says how many are left out before it. A delta is the difference from
// the count before.
func times[Span span](h nativeHistogram[Span]) (all []Time) {
	if zero := h.GetZeroCount(); zero > 0 {
		all = append(all, Time{0, zero})
	}
	perOctave := math.Exp2(float64(h.GetSchema()))
	deltas, count, i := h.GetPositiveDelta(), int64(0), int32(0)
	for _, s := range h.GetPositiveSpan() {
		i += s.GetOffset()
		for range s.GetLength() {
			count += deltas[0]
			deltas = deltas[1:]
			if count > 0 {
				all = append(all, Time{math.Exp2((float64(i) - 0.5) / perOctave), uint64(count)})
			}
			i++
		}
	}
	return all
}
