package pace

import (
	"math"
	"time"
)

// How a limit grows. It goes by requests: the part of them that finds out that the
// limit is still there is then the same for each limit, and who has nothing to send
// learns nothing. But where few requests leave, a limit that was taken for too low
// would stay so for long: then it goes by time.
const (
	// After refusals the limit is cut to this part of the admitted rate. It grows
	// to a little above that rate in so many requests, then by doubling.
	cutTo, growTo  = 0.95, 1.06
	growIn         = 60
	growInAtLeast  = 2 * time.Second
	growInAtMost   = 6 * time.Minute
	doubleIn       = 30
	doubleInAtMost = 4 * time.Minute
	// While nothing is known of it, it doubles sooner.
	searchIn        = 10
	searchInAtMost  = 30 * time.Second
	doubleInAtLeast = 500 * time.Millisecond
)

// stage is how fast a limit grows.
type stage int

const (
	searching stage = iota // nothing is known of what the API admits
	near                   // it is about at what the API admits
	beyond                 // it was not refused there
)

// limit is how many requests a second may leave, by what the API has refused.
type limit struct {
	rate     float64 // +Inf: there is none
	admitted float64 // what the API was found to admit
	stage    stage
	peak     float64 // the highest rate that was refused; at twice that the limit is given up
}

func (l *limit) is() bool { return !math.IsInf(l.rate, 1) }

// search sets the limit to a rate of which it is not known whether it is admitted.
func (l *limit) search(rate float64) { l.rate, l.stage = rate, searching }

// near sets the limit by the rate that was admitted.
func (l *limit) near(admitted float64) {
	l.rate, l.admitted, l.stage = cutTo*admitted, admitted, near
}

// lower is for a refusal at a rate, and too few requests to tell what is admitted.
func (l *limit) lower(rate float64) {
	if l.stage != searching {
		l.near(rate)
	}
}

// grow raises the limit for a request that comes so long after the one before.
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
		l.rate *= math.Exp2(min(max(1.0/doubleIn, seconds/doubleInAtMost.Seconds()), seconds/doubleInAtLeast.Seconds()))
	case searching:
		l.rate *= math.Exp2(min(max(1.0/searchIn, seconds/searchInAtMost.Seconds()), seconds/doubleInAtLeast.Seconds(), 1))
	}
	if l.rate > 2*l.peak {
		l.rate = math.Inf(1)
	}
}
