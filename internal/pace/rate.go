package pace

import (
	"math"
	"time"
)

// headroom is the part of a share that is used. What is left absorbs the edges:
// a window that touches two generations, requests that left a little late.
const headroom = 0.95

// How the rate answers to throttling, in requests a second. A first refusal
// lowers it a little, because the limit is near; refusals in quick succession
// halve it, because the limit is far. It then climbs fast to where it was not
// refused, slowly past where it was, and fast again beyond: so an unknown limit
// is found within seconds, costs few refusals while it lasts, and is forgotten
// within a minute once it is gone.
const (
	nearCut     = 0.9
	farCut      = 0.5
	quickly     = 2 * time.Second
	slowFrom    = 0.75
	slowTo      = 1.05
	slowGrowth  = 0.01 // a second
	fastGrowth  = 0.20 // a second
	lowestRate  = 1.0  // or lowestPart of the share, if that is less
	lowestPart  = 0.1
	rateHorizon = time.Second
)

// rate spaces requests evenly. It is not safe for concurrent use: the gate's
// lock guards it.
type rate struct {
	// share is what the quota allows, in requests a second; +Inf: unlimited.
	share float64
	// next is when the next request may leave.
	next time.Time

	// limit is what throttling has left of the share; +Inf: nothing was
	// throttled. ceiling is where it was throttled last, cut when.
	limit, ceiling float64
	cut, grown     time.Time

	// sent counts the requests of the present second, before those of the last.
	second       time.Time
	sent, before int
}

func newRate() rate { return rate{limit: math.Inf(1)} }

// set gives a new share, in requests a window. The first request waits one
// interval, because a former owner may have sent one just now, and one more for
// each request that is owed; never longer than a window, after which nothing of
// the former owners counts.
func (r *rate) set(now time.Time, share float64, window time.Duration, owed float64) {
	r.share = share / window.Seconds()
	if !math.IsInf(share, 1) {
		r.share *= headroom
	}
	first := (1 + owed) * float64(r.interval())
	r.next = now.Add(time.Duration(min(first, float64(window)/headroom)))
}

// current is how many requests a second may leave now.
func (r *rate) current() float64 { return min(r.share, r.limit) }

func (r *rate) interval() time.Duration {
	switch c := r.current(); {
	case math.IsInf(c, 1):
		return 0
	case c <= 0:
		return never
	default:
		return time.Duration(float64(time.Second) / c)
	}
}

// wait is how long the next request has to.
func (r *rate) wait(now time.Time) time.Duration {
	if r.share <= 0 {
		return never
	}
	r.grow(now)
	return r.next.Sub(now)
}

// take spends a turn. A turn taken a little late is made up for, so that late
// timers cost no quota; one not taken in time is lost, so that there are no bursts.
func (r *rate) take(now time.Time) {
	interval := r.interval()
	late := min(now.Sub(r.next), interval, 100*time.Millisecond)
	r.next = now.Add(interval - late)
	r.count(now)
}

func (r *rate) count(now time.Time) {
	switch since := now.Sub(r.second); {
	case since >= 2*rateHorizon:
		r.second, r.before, r.sent = now, 0, 0
	case since >= rateHorizon:
		r.second, r.before, r.sent = r.second.Add(rateHorizon), r.sent, 0
	}
	r.sent++
}

// throttled cuts the rate. sent is when the refused request left: one that left
// before the last cut says nothing new, and without a share there is nothing to cut.
func (r *rate) throttled(now, sent time.Time) {
	if sent.Before(r.cut) || r.share <= 0 {
		return
	}
	r.grow(now)
	at := min(r.current(), float64(max(r.before, r.sent, 1)))
	factor := nearCut
	if r.cut.IsZero() || now.Sub(r.cut) < quickly {
		factor = farCut
	}
	r.ceiling = at
	r.limit = max(at*factor, min(lowestRate, lowestPart*r.share))
	r.cut, r.grown = now, now
	r.next = now.Add(r.interval())
}

// grow raises the limit for the time that has passed.
func (r *rate) grow(now time.Time) {
	if math.IsInf(r.limit, 1) {
		return
	}
	const step = 100 * time.Millisecond
	for ; now.Sub(r.grown) >= step; r.grown = r.grown.Add(step) {
		growth := fastGrowth
		if r.limit > slowFrom*r.ceiling && r.limit < slowTo*r.ceiling {
			growth = slowGrowth
		}
		r.limit *= 1 + growth*step.Seconds()
		if r.limit >= min(r.share, 1e6) {
			r.limit = math.Inf(1)
			return
		}
	}
}
