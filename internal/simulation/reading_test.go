package simulation

import (
	"testing"
	"time"
)

func TestReadingsAreMonotonic(t *testing.T) {
	before := reading(epoch.Add(time.Nanosecond), time.Second)
	jumped := reading(epoch.Add(25*time.Hour), 3*time.Second)
	if !before.Equal(before.Round(0)) || !before.Round(0).Equal(epoch.Add(time.Nanosecond)) || !jumped.Round(0).Equal(epoch.Add(25*time.Hour)) {
		t.Errorf("wall clocks: %v, %v", before, jumped)
	}
	if got := jumped.Sub(before); got != 2*time.Second {
		t.Errorf("%v between two readings", got)
	}
	if got := jumped.Add(-2 * time.Second); got.Before(before) || got.After(before) {
		t.Errorf("%v is not at the same moment as %v", got, before)
	}
}
