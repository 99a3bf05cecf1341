package simulation

import (
	"math/rand/v2"
	"time"
)

// limit is how many requests the API admits, if that differs from the configured quota.
type limit struct {
	kind      limitKind
	perMinute int // 0: no limit

	admitted []time.Duration // in the last minute, or since the window began
	window   time.Duration   // start of the window
	tokens   float64
	filledAt time.Duration
}

type limitKind string

const (
	slidingWindow limitKind = "in any minute"
	fixedWindow   limitKind = "in each minute of the clock"
	tokenBucket   limitKind = "a minute, and as many at once"
)

func newLimit(r *rand.Rand) limit {
	l := limit{kind: []limitKind{slidingWindow, fixedWindow, tokenBucket}[r.IntN(3)], perMinute: []int{20, 30}[r.IntN(2)]}
	l.tokens = float64(l.perMinute)
	return l
}

// admits reports whether a request that arrives now is admitted, and counts it.
func (l *limit) admits(now time.Duration) bool {
	switch l.kind {
	case slidingWindow:
		for len(l.admitted) > 0 && now-l.admitted[0] >= time.Minute {
			l.admitted = l.admitted[1:]
		}
	case fixedWindow:
		if window := now.Truncate(time.Minute); window != l.window {
			l.window, l.admitted = window, nil
		}
	case tokenBucket:
		l.tokens = min(float64(l.perMinute), l.tokens+(now-l.filledAt).Minutes()*float64(l.perMinute))
		l.filledAt = now
		if l.tokens < 1 {
			return false
		}
		l.tokens--
		return true
	default:
		return true
	}
	if len(l.admitted) >= l.perMinute {
		return false
	}
	l.admitted = append(l.admitted, now)
	return true
}
