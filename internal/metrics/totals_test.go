package metrics

import (
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
	below := map[float64]uint64{}
	for _, b := range got.Durations {
		below[b.Seconds] = b.Count
	}
	if got.All != 3 || below[.01] != 0 || below[.025] != 1 || below[2.5] != 2 || below[43200] != 2 {
		t.Errorf("of %d: %v", got.All, got.Durations)
	}
}
