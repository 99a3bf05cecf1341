package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"remux-retrier/internal/clock"
)

// Go runs the garbage collector when the heap has doubled. For a ledger with a million
// decisions that doubles the memory, although collecting it is cheap because it contains no
// pointers; and a small heap is collected ten times a second. Garbage comes from calls, not
// from what is held. So a collection runs after a fixed amount of allocation.
const (
	garbage        = 16 << 20 // bytes
	garbageOfACall = 10 << 10 // bytes in addition, for each call that may be in flight
	// As a percentage of the live heap, the unit of Go's setting.
	minGarbage, maxGarbage = 10, 300

	heapCheckInterval = 250 * time.Millisecond
)

// tuneGC sets the garbage collector accordingly until the context is done, unless GOGC is
// set.
func tuneGC(ctx context.Context, inFlight int) {
	percent, live := metrics.Sample{Name: "/gc/gogc:percent"}, metrics.Sample{Name: "/gc/heap/live:bytes"}
	if percent = sampled(percent); percent.Value.Uint64() != 100 {
		return
	}
	defer debug.SetGCPercent(100)
	for current := 100; clock.System.Sleep(ctx, heapCheckInterval) == nil; {
		next := garbagePercent(sampled(live).Value.Uint64(), inFlight)
		if 10*next > 11*current || 11*next < 10*current { // setting it stops the process for a moment
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
	return int(min(maxGarbage, max(minGarbage, 100*uint64(garbage+inFlight*garbageOfACall)/max(1, live))))
}
