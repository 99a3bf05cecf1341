package page

import (
	"time"

	"remux-retrier/internal/metrics"
)

// The last hour is kept as so many points, so far apart.
const (
	points   = 360
	interval = 10 * time.Second
	// smooth is how many intervals a point's quantiles are of: at 100 calls a
	// minute those of a single one jump with every event.
	smooth = 6
)

// Hour is the document of /api/history, and of the stream's event "history": the
// last hour, oldest first, in columns of equal length; it is shorter after a
// start.
type Hour struct {
	// Until is the end of the last interval, each of which is EverySeconds long.
	Until        time.Time `json:"until"`
	EverySeconds int       `json:"every_seconds"`
	// Events that were done with in the interval, by outcome.
	Retried     []int64 `json:"retried"`
	RetryFailed []int64 `json:"retry_failed"`
	DeadLetter  []int64 `json:"dead_letter"`
	// P50 and P99 are seconds from an event's arrival to the acknowledgement of
	// its outcome, dead letters left out: half of those in the minute up to the
	// interval's end took less, or 99 in 100; null: there were none. They are
	// estimated within the histogram's buckets.
	P50 []*float64 `json:"p50_seconds"`
	P99 []*float64 `json:"p99_seconds"`
}

// hour records the last hour from totals that only grow.
type hour struct {
	Hour
	before []metrics.Totals // as of the last points, at most smooth of them
}

func newHour(now time.Time, t metrics.Totals) *hour {
	return &hour{before: []metrics.Totals{t}, Hour: Hour{
		Until: now, EverySeconds: int(interval.Seconds()),
		Retried: []int64{}, RetryFailed: []int64{}, DeadLetter: []int64{}, P50: []*float64{}, P99: []*float64{},
	}}
}

// take adds a point if it is time for one, and tells whether it was.
func (h *hour) take(now time.Time, t metrics.Totals) bool {
	if now.Sub(h.Until) < interval {
		return false
	}
	last := h.before[len(h.before)-1]
	grown := func(outcome string) int64 { return count(t, outcome) - count(last, outcome) }
	h.Retried = push(h.Retried, points, grown("retried"))
	h.RetryFailed = push(h.RetryFailed, points, grown("retry_failed"))
	h.DeadLetter = push(h.DeadLetter, points, grown(metrics.DeadLetter))
	h.P50 = push(h.P50, points, quantile(h.before[0], t, 0.50))
	h.P99 = push(h.P99, points, quantile(h.before[0], t, 0.99))
	h.Until, h.before = now, push(h.before, smooth, t)
	return true
}

// push appends to a list of the latest so many.
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

// quantile estimates as Prometheus' histogram_quantile does: evenly within the
// bucket that holds it, and the last bound for what is above.
func quantile(before, after metrics.Totals, q float64) *float64 {
	all := after.All - before.All
	if all == 0 {
		return nil
	}
	rank := q * float64(all)
	lower, below := 0.0, 0.0
	for i, b := range after.Durations {
		in := b.Count
		if i < len(before.Durations) {
			in -= before.Durations[i].Count
		}
		if float64(in) >= rank {
			x := lower + (b.Seconds-lower)*(rank-below)/(float64(in)-below)
			return &x
		}
		lower, below = b.Seconds, float64(in)
	}
	return &lower
}
