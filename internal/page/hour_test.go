package page

import (
	"slices"
	"testing"
	"time"

	"remux-retrier/internal/metrics"
)

func totals(retried, dead int64, buckets ...metrics.Bucket) metrics.Totals {
	t := metrics.Totals{Events: []metrics.EventCount{{Outcome: "retried", Reason: "accepted", Count: retried}, {Outcome: "retried", Reason: "covered", Count: 1}}, Durations: buckets}
	if dead > 0 { // a series is there from its first event on
		t.Events = append(t.Events, metrics.EventCount{Outcome: "dead_letter", Reason: "not_json", Count: dead})
	}
	if len(buckets) > 0 {
		t.All = buckets[len(buckets)-1].Count
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
	before := totals(0, 0, metrics.Bucket{Seconds: 1, Count: 1000}, metrics.Bucket{Seconds: 10, Count: 1000})
	after := totals(0, 0, metrics.Bucket{Seconds: 1, Count: 1050}, metrics.Bucket{Seconds: 10, Count: 1100})
	if p := quantile(before, after, 0.5); p == nil || *p != 1 {
		t.Errorf("p50 %v", p)
	}
	if p := quantile(before, after, 0.75); p == nil || *p != 5.5 {
		t.Errorf("p75 %v, evenly within its bucket", p)
	}
	if p := quantile(after, after, 0.5); p != nil {
		t.Errorf("%v of nothing", *p)
	}
	after.All += 100 // beyond the last bound
	if p := quantile(before, after, 0.99); p == nil || *p != 10 {
		t.Errorf("p99 %v", p)
	}
}

// One slow answer among quick ones is the 99th percentile of a minute, and no
// longer.
func TestAPointsQuantilesAreOfTheMinuteBeforeIt(t *testing.T) {
	h := newHour(noon, totals(0, 0))
	for i := range uint64(10) {
		quick, all := i+1, i+1+min(i, 1)
		h.take(noon.Add(time.Duration(i+1)*interval), totals(0, 0, metrics.Bucket{Seconds: 1, Count: quick}, metrics.Bucket{Seconds: 10, Count: all}))
	}
	for i, p := range h.P99 {
		if slow := i >= 1 && i <= 6; (*p > 1) != slow {
			t.Errorf("point %d: %v", i, *p)
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
		t.Errorf("%d looks are kept", n)
	}
}
