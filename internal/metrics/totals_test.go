package metrics

import (
	"math"
	"reflect"
	"testing"
	"time"
)

func TestTotalsAreWhatMetricsShows(t *testing.T) {
	m := New()
	m.Event("retried", "accepted", 20*time.Millisecond)
	m.Event("retried", "accepted", 2*time.Second)
	m.Event("retry_failed", "rejected", 24*time.Hour)
	got, err := m.Totals()
	if err != nil {
		t.Fatal(err)
	}
	if want := []EventCount{{"retried", "accepted", 2}, {"retry_failed", "rejected", 1}}; !reflect.DeepEqual(got.Events, want) {
		t.Errorf("events %v, want %v", got.Events, want)
	}
	for i, want := range []float64{.02, 2, 86400} {
		if len(got.Times) != 3 || got.Times[i].Count != 1 || math.Abs(got.Times[i].Seconds/want-1) > .006 {
			t.Fatalf("%v, want %v", got.Times, want)
		}
	}
}

// Buckets that are left out, or that several times share, must not shift the others.
func TestEachTimeIsCountedWithinOnePercent(t *testing.T) {
	m := New()
	want := map[float64]uint64{}
	for i, seconds := range []float64{0, .0003, .01, .0101, 1, 1.02, 3, 700, 40_000} {
		for range i + 1 {
			m.Event("retried", "accepted", time.Duration(seconds*float64(time.Second)))
		}
		want[seconds] = uint64(i + 1)
	}
	got, err := m.Totals()
	if err != nil {
		t.Fatal(err)
	}
	for seconds, n := range want {
		found := uint64(0)
		for _, b := range got.Times {
			if b.Seconds == seconds || math.Abs(b.Seconds/seconds-1) < .006 {
				found += b.Count
			}
		}
		if found < n {
			t.Errorf("%d of %v s, want %d: %v", found, seconds, n, got.Times)
		}
	}
}
