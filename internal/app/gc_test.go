package app

import (
	"context"
	"runtime/debug"
	"testing"
	"time"
)

// A ledger of a million decisions must not double its memory.
func TestGarbageDoesNotGrowWithWhatIsHeld(t *testing.T) {
	for _, c := range []struct {
		live     uint64
		inFlight int
		want     int
	}{
		{0, 100, maxGarbage}, {4 << 20, 100, maxGarbage}, {17 << 20, 100, 99}, {100 << 20, 100, 16}, {4 << 30, 1000, minGarbage}, {26 << 20, 1000, 99},
	} {
		if got := garbagePercent(c.live, c.inFlight); got != c.want {
			t.Errorf("%d MB held, %d in flight: %d %%, want %d %%", c.live>>20, c.inFlight, got, c.want)
		}
	}
}

func TestGOGCOfTheOperatorStands(t *testing.T) {
	before := debug.SetGCPercent(250)
	defer debug.SetGCPercent(before)
	ctx, cancel := context.WithTimeout(t.Context(), 3*heapCheckInterval)
	defer cancel()
	began := time.Now()
	tuneGC(ctx, 100)
	if now := debug.SetGCPercent(250); now != 250 || time.Since(began) > heapCheckInterval {
		t.Errorf("%d %% after %v", now, time.Since(began))
	}
}
