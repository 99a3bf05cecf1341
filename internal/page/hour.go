package page

import (
	"math"
	"time"

	"remux-retrier/internal/metrics"
)

// Number and distance of the points of the last hour.
const (
	points   = 360
	interval = 10 * time.Second
	// quantileIntervals is how many intervals are combined for a point's quantiles: at 100
	// calls a minute the quantiles of a single interval change with every event.
	quantileIntervals = 6
	// With fewer answers than minQuantileAnswers there are no quantiles; the answers are
	// listed instead.
	minQuantileAnswers = 20
)

// Hour is the document of /api/history and of the stream's event "history": the last hour,
// oldest first, in columns of equal length. After a start it is shorter.
type Hour struct {
	// Until is the end of the last interval; each is EverySeconds long.
	Until        time.Time `json:"until"`
	EverySeconds int       `json:"every_seconds"`
	// Finished events of each interval, by outcome.
	Retried     []int64 `json:"retried"`
	RetryFailed []int64 `json:"retry_failed"`
	DeadLetter  []int64 `json:"dead_letter"`
	// P50 and P99 are seconds from an event's arrival to the acknowledgement of its
	// outcome, without dead letters: the median and the 99th percentile of the minute up to
	// the interval's end, exact within half a percent. null: fewer than 20 answers.
	P50 []*float64 `json:"p50_seconds"`
	P99 []*float64 `json:"p99_seconds"`
	// Answers are the interval's answers themselves, in seconds, ascending, if P50 is null.
	Answers [][]float64 `json:"answers_seconds"`
}

// hour records the last hour from totals that only grow.
type hour struct {
	Hour
	before []metrics.Totals // the totals at the last points, at most quantileIntervals of them
}

func newHour(now time.Time, t metrics.Totals) *hour {
	return &hour{before: []metrics.Totals{t}, Hour: Hour{
		Until: now, EverySeconds: int(interval.Seconds()),
		Retried: []int64{}, RetryFailed: []int64{}, DeadLetter: []int64{}, P50: []*float64{}, P99: []*float64{}, Answers: [][]float64{},
	}}
}

// take adds a point if it is due, and reports whether it did.
func (h *hour) take(now time.Time, t metrics.Totals) bool {
	if now.Sub(h.Until) < interval {
		return false
	}
	last := h.before[len(h.before)-1]
	grown := func(outcome string) int64 { return count(t, outcome) - count(last, outcome) }
	h.Retried = push(h.Retried, points, grown("retried"))
	h.RetryFailed = push(h.RetryFailed, points, grown("retry_failed"))
	h.DeadLetter = push(h.DeadLetter, points, grown(metrics.DeadLetter))
	minute, answers := added(h.before[0].Times, t.Times), []float64{}
	if total(minute) < minQuantileAnswers {
		minute, answers = nil, each(added(last.Times, t.Times))
	}
	h.P50 = push(h.P50, points, quantile(minute, 0.50))
	h.P99 = push(h.P99, points, quantile(minute, 0.99))
	h.Answers = push(h.Answers, points, answers)
	h.Until, h.before = now, push(h.before, quantileIntervals, t)
	return true
}

// push appends to a list and keeps at most the latest most elements.
func push[T any](list []T, most int, x T) []T {
	if len(list) == most {
		list = append(list[:0], list[1:]...)
	}
	return append(list, x)
}

func count(t metrics.Totals, outcome string) (n int64) {
	for _, e := range t.Events {
		if e.Outcome == outcome {
			n += e.Count
		}
	}
	return n
}

// added returns the times that were added between two totals.
func added(before, after []metrics.Time) []metrics.Time {
	former := make(map[float64]uint64, len(before))
	for _, t := range before {
		former[t.Seconds] = t.Count
	}
	var all []metrics.Time
	for _, t := range after {
		if t.Count > former[t.Seconds] { // counts only grow
			all = append(all, metrics.Time{Seconds: t.Seconds, Count: t.Count - former[t.Seconds]})
		}
	}
	return all
}

func total(times []metrics.Time) (n uint64) {
	for _, t := range times {
		n += t.Count
	}
	return n
}

// each lists the times one by one.
func each(times []metrics.Time) []float64 {
	all := []float64{}
	for _, t := range times {
		for range t.Count {
			all = append(all, t.Seconds)
		}
	}
	return all
}

// quantile returns the q-quantile of the times; nil: there are none.
func quantile(times []metrics.Time, q float64) *float64 {
	rank := uint64(math.Ceil(q * float64(total(times))))
	for _, t := range times {
		if t.Count >= rank {
			return &t.Seconds
		}
		rank -= t.Count
	}
	return nil
}
