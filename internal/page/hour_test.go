package page

import (
	"slices"
	"testing"
	"time"

	"remux-retrier/internal/metrics"
)

func totals(retried, dead int64, times ...metrics.Time) metrics.Totals {
	t := metrics.Totals{Events: []metrics.EventCount{{Outcome: "retried", Reason: "accepted", Count: retried}, {Outcome: "retried", Reason: "covered", Count: 1}}, Times: times}
	if dead > 0 { // a series exists from its first event on
		t.Events = append(t.Events, metrics.EventCount{Outcome: "dead_letter", Reason: "not_json", Count: dead})
	}
	return t
}

func TestTheHourHasAPointForEachIntervalAndForgetsTheOldest(t *testing.T) {
	h := newHour(noon, totals(100, 0))
	if h.take(noon.Add(interval-1), totals(500, 0)) {
		t.Fatal("a point too early")
	}
	for i := 1; i <= points+5; i++ {
		if !h.take(noon.Add(time.Duration(i)*interval), totals(100+int64(i*i), int64(i))) {
			t.Fatal("no point")
		}
	}
	n := int64(points + 5)
	if len(h.Retried) != points || len(h.P99) != points || h.Retried[points-1] != 2*n-1 || h.Retried[0] != 11 {
		t.Errorf("%d points, from %d to %d", len(h.Retried), h.Retried[0], h.Retried[points-1])
	}
	if h.DeadLetter[points-1] != 1 || slices.Max(h.RetryFailed) != 0 || !h.Until.Equal(noon.Add(time.Duration(n)*interval)) {
		t.Errorf("%v %v %v", h.DeadLetter[points-1], h.RetryFailed, h.Until)
	}
}

func TestQuantilesAreOfTheIntervalAlone(t *testing.T) {
	before := []metrics.Time{{Seconds: 1, Count: 1000}}
	after := []metrics.Time{{Seconds: .5, Count: 50}, {Seconds: 1, Count: 1048}, {Seconds: 10, Count: 2}}
	minute := added(before, after)
	for q, want := range map[float64]float64{.5: .5, .51: 1, .98: 1, .99: 10, 1: 10} {
		if p := quantile(minute, q); p == nil || *p != want {
			t.Errorf("of %v, quantile %v is %v, want %v", minute, q, p, want)
		}
	}
	if got := added(after, before); len(got) > 1 { // a count that falls must not become billions
		t.Errorf("%v", got)
	}
	if p := quantile(added(after, after), 0.5); p != nil {
		t.Errorf("%v of nothing", *p)
	}
}

// The median of three answers means nothing.
func TestFewAnswersAreToldThemselves(t *testing.T) {
	h := newHour(noon, totals(0, 0))
	h.take(noon.Add(interval), totals(0, 0, metrics.Time{Seconds: 1, Count: 2}, metrics.Time{Seconds: 7, Count: 1}))
	h.take(noon.Add(2*interval), totals(0, 0, metrics.Time{Seconds: 1, Count: 3}, metrics.Time{Seconds: 7, Count: 1}))
	h.take(noon.Add(3*interval), totals(0, 0, metrics.Time{Seconds: 1, Count: 19}, metrics.Time{Seconds: 7, Count: 1}))
	if want := [][]float64{{1, 1, 7}, {1}, {}}; !slices.EqualFunc(h.Answers, want, slices.Equal) {
		t.Errorf("%v, want %v", h.Answers, want)
	}
	if h.P50[0] != nil || h.P99[1] != nil || h.P50[2] == nil || *h.P50[2] != 1 || *h.P99[2] != 7 {
		t.Errorf("%v %v", h.P50, h.P99)
	}
}

// One slow answer among fast ones is the 99th percentile for a minute, and no longer.
func TestAPointsQuantilesAreOfTheMinuteBeforeIt(t *testing.T) {
	h := newHour(noon, totals(0, 0))
	for i := range uint64(10) {
		h.take(noon.Add(time.Duration(i+1)*interval), totals(0, 0, metrics.Time{Seconds: 1, Count: 16 * (i + 1)}, metrics.Time{Seconds: 10, Count: min(i, 1)}))
	}
	for i, p := range h.P99 {
		if slow := i >= 1 && i <= 6; (p != nil && *p > 1) != slow { // the first has few answers
			t.Errorf("point %d: %v", i, p)
		}
	}
}

func TestTheLastMinuteIsAMinute(t *testing.T) {
	s := newSource()
	p := newPage(t, s)
	for i := range 90 {
		s.change(func() {
			s.status.MPC.Requests, s.status.MPC.Throttled = int64(2*i), int64(i/80)
			s.totals = totals(int64(3*i), int64(i/50))
		})
		pass(t, p, s)
	}
	got := p.present.Load()
	if got.MPC.SentLastMinute != 120 || got.MPC.ThrottledLately != 1 {
		t.Errorf("%d sent, %d refused", got.MPC.SentLastMinute, got.MPC.ThrottledLately)
	}
	want := []Count{{"retried", "accepted", 267, 180}, {"retried", "covered", 1, 0}, {"dead_letter", "not_json", 1, 1}}
	if !slices.Equal(got.Outcomes, want) {
		t.Errorf("%v, want %v", got.Outcomes, want)
	}
	if n := len(p.minute); n > 62 {
		t.Errorf("%d snapshots are kept", n)
	}
}
