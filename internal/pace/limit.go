package pace

import (
	"math"
	"time"
)

// A limit grows by requests: then the share of requests that tests it is the same for every
// limit, and an idle instance learns nothing. With few requests a limit that is too low
// would stay so for long; then it grows in fewer requests, at most for the time given here.
const (
	// After refusals the limit is set to this part of the admitted rate. It grows to a
	// little above that rate within growIn requests, then by doubling.
	cutTo, growTo  = 0.95, 1.06
	growIn         = 60
	growInAtLeast  = 2 * time.Second
	growInAtMost   = 4 * time.Minute
	doubleIn       = 30
	doubleInAtMost = 4 * time.Minute
	// While nothing is known about the limit, it doubles sooner.
	searchIn        = 10
	searchInAtMost  = 30 * time.Second
	doubleInAtLeast = 500 * time.Millisecond
)

// stage is how fast a limit grows.
type stage int

const (
	searching stage = iota // the API's limit is unknown
	near                   // close to the API's limit
	beyond                 // above it without refusals
)

// limit is how many requests a second may be sent, learned from the API's refusals.
type limit struct {
	rate     float64 // +Inf: no limit
	admitted float64 // the rate that the API was found to admit
	stage    stage
	peak     float64 // highest refused rate; at twice that the limit is dropped
}

func (l *limit) known() bool { return !math.IsInf(l.rate, 1) }

// search sets the limit to a rate that may or may not be admitted.
func (l *limit) search(rate float64) { l.rate, l.stage = rate, searching }

// near sets the limit from the rate that was admitted.
func (l *limit) near(admitted float64) {
	l.rate, l.admitted, l.stage = cutTo*admitted, admitted, near
}

// lower handles a refusal at a rate, with too few requests to tell what is admitted.
func (l *limit) lower(rate float64) {
	if l.stage != searching {
		l.near(rate)
	}
}

// grow raises the limit for a request that follows the previous one after spacing.
func (l *limit) grow(spacing time.Duration) {
	seconds := spacing.Seconds()
	switch l.stage {
	case near:
		part := min(max(1.0/growIn, seconds/growInAtMost.Seconds()), seconds/growInAtLeast.Seconds())
		l.rate += part * (growTo - cutTo) * l.admitted
		if l.rate > growTo*l.admitted {
			l.stage = beyond
		}
	case beyond:
		// With few requests it doubles in as many as were admitted in doubleInAtMost.
		part := seconds / doubleInAtMost.Seconds() * l.rate / l.admitted
		l.rate *= math.Exp2(min(max(1.0/doubleIn, part), seconds/doubleInAtLeast.Seconds(), 1))
	case searching:
		l.rate *= math.Exp2(min(max(1.0/searchIn, seconds/searchInAtMost.Seconds()), seconds/doubleInAtLeast.Seconds(), 1))
	}
	if l.rate > 2*l.peak {
		l.rate = math.Inf(1)
	}
}
