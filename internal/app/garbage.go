package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"remux-retrier/internal/clock"
)

// Go collects garbage when the heap has doubled. That doubles the memory of a ledger
// of a million decisions, though a collection passes over it, for it holds no
// pointers; and it collects a small heap ten times a second. What is held does not
// matter here: garbage comes with the calls. So a collection comes when a certain
// amount was allocated since the last one.
const (
	garbage        = 16 << 20
	garbageOfACall = 10 << 10 // beside it, for each that may be in flight
	// As a percentage of what is held, as Go wants it.
	leastGarbage, mostGarbage = 10, 300

	lookAtHeap = 250 * time.Millisecond
)

// limitGarbage has the collector come for that, until the context is done; unless
// GOGC says something else.
func limitGarbage(ctx context.Context, inFlight int) {
	percent, live := metrics.Sample{Name: "/gc/gogc:percent"}, metrics.Sample{Name: "/gc/heap/live:bytes"}
	if percent = sampled(percent); percent.Value.Uint64() != 100 {
		return
	}
	defer debug.SetGCPercent(100)
	for current := 100; clock.System.Sleep(ctx, lookAtHeap) == nil; {
		next := garbagePercent(sampled(live).Value.Uint64(), inFlight)
		if 10*next > 11*current || 11*next < 10*current { // to set it stops the process for a moment
			debug.SetGCPercent(next)
			current = next
		}
	}
}

func sampled(s metrics.Sample) metrics.Sample {
	list := [1]metrics.Sample{s}
	metrics.Read(list[:])
	return list[0]
}

func garbagePercent(live uint64, inFlight int) int {
	return int(min(mostGarbage, max(leastGarbage, 100*uint64(garbage+inFlight*garbageOfACall)/max(1, live))))
}
