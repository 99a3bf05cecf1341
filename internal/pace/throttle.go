package pace

import (
	"math"
	"time"
)

// While every request is refused, one is tried after a pause that doubles.
const (
	firstPause   = 100 * time.Millisecond // or the interval between requests, if that is longer
	longestPause = 10 * time.Second       // likewise
)

// rememberWindows is for how many windows refusals are remembered once there is no limit.
const rememberWindows = 3

// throttle tracks an unknown limit: the API refuses requests above it (429, MPC.10237). The
// rate is adapted around the admitted rate: additive increase, multiplicative decrease.
// Time in which all requests were refused counts for that rate, so neither the kind of
// limit nor its window matters. It is not safe for concurrent use; the gate's lock guards
// it.
type throttle struct {
	window time.Duration // the quota's window; the limit's is assumed not to be longer
	limit  limit
	meter  meter
	next   time.Time // when the next request may be sent
	// since is when throttling began. cut is when refusals last set the limit, and found is
	// the rate that was admitted then.
	since, cut time.Time
	found      float64
	refusals   refusals
}

// refusals describe the requests refused since the last admitted one.
type refusals struct {
	first time.Time // zero: the last request was admitted
	last  time.Time // of the latest refusal, even if a request was admitted since
	at    float64   // the rate at the first one
	quota float64   // the quota's rate then
	pause time.Duration
}

func newThrottle(window time.Duration) throttle {
	return throttle{window: window, limit: limit{rate: math.Inf(1)}, meter: meter{window: window}}
}

func (t *throttle) refusing() bool { return !t.refusals.first.IsZero() }

// wait is how long the next request must wait.
func (t *throttle) wait(now time.Time) time.Duration { return t.next.Sub(now) }

// take notes that a request is sent. spacing is the quota's.
func (t *throttle) take(now time.Time, spacing time.Duration) {
	own := interval(t.limit.rate)
	spacing = max(spacing, own)
	t.meter.sent(now, spacing, t.refusing())
	switch {
	case t.refusing():
		t.next = now.Add(t.refusals.pause)
	case t.limit.is():
		t.next = after(now, t.next, own)
		t.limit.grow(spacing)
	}
}

// throttled notes the refusal of a request that was sent at the given time. quota is the
// quota's rate: without a share there is nothing to slow down.
func (t *throttle) throttled(now, sent time.Time, quota float64) {
	switch {
	case quota <= 0 || sent.Before(t.cut):
		return // sent at an earlier rate: says nothing new
	case !t.refusing():
		if !t.limit.is() && now.Sub(t.refusals.last) > rememberWindows*t.window {
			t.since, t.cut, t.limit.peak = now, time.Time{}, 0
		}
		rate := min(quota, t.limit.rate)
		t.refusals = refusals{first: now, quota: quota, at: rate, pause: max(firstPause, interval(rate))}
		if math.IsInf(rate, 1) {
			t.refusals.at = t.meter.perSecond()
		}
		t.limit.peak = max(t.limit.peak, t.refusals.at)
	case sent.Before(t.refusals.first):
		return // sent together with the first refused one
	default:
		t.refusals.pause = max(t.refusals.pause, min(2*t.refusals.pause, longestPause))
	}
	t.refusals.last = now
	t.next = now.Add(t.refusals.pause)
}

// served notes that a request sent at the given time was admitted.
func (t *throttle) served(now, sent time.Time) {
	t.meter.admitted++
	if !t.refusing() || sent.Before(t.refusals.first) {
		return
	}
	r := &t.refusals
	refused := r.last.Sub(r.first) + r.pause/2 // it ended somewhere in the last pause
	switch first := t.cut.IsZero(); {
	case first && !t.looksLikeAWindow(refused), refused > t.window*3/2:
		// The first refusals may be chance. And if everything was refused for longer than a
		// window, that was not a limit.
		t.limit.search(max(t.meter.rate(refused), r.at/2))
		t.begin(now, refused)
	case first && t.meter.admitted < enoughCalls, !first && refused > t.window/2 && r.at*t.window.Seconds() > growIn && !t.foundBefore(refused):
		// Too few requests to tell. Or all were refused for long, at a rate high enough to
		// measure in that time: then the limit has changed, or there was none, unless as
		// many were admitted as last time.
		t.limit.search(min(r.at, t.meter.estimate(r.at, refused)))
		t.begin(now, refused)
	case first || t.meter.enough(refused):
		t.limit.near(min(r.at, t.meter.estimate(r.at, refused)))
		t.begin(now, refused)
	default:
		t.meter.busy += refused
		t.limit.lower(r.at)
	}
	t.limit.rate = max(t.limit.rate, 1/t.window.Seconds())
	r.first = time.Time{}
	t.next = now.Add(interval(t.limit.rate))
}

// foundBefore: about the same rate was admitted before the last search.
func (t *throttle) foundBefore(refused time.Duration) bool {
	const alike = 1.5
	rate := t.meter.rate(refused)
	return rate < alike*t.found && t.found < alike*rate
}

// looksLikeAWindow: the first refusals came soon and lasted long, as with a fixed number of
// requests in each window of the quota's length.
func (t *throttle) looksLikeAWindow(refused time.Duration) bool {
	return !math.IsInf(t.refusals.quota, 1) && t.meter.busy < t.window/2 && refused > t.window/3
}

// begin starts a new measurement.
func (t *throttle) begin(now time.Time, refused time.Duration) {
	t.cut, t.found = now, t.meter.rate(refused)
	t.meter.reset()
}

// active is since when requests are throttled; zero: they are not.
func (t *throttle) active(now time.Time) time.Time {
	if t.limit.is() || t.refusing() || now.Sub(t.refusals.last) < t.window {
		return t.since
	}
	return time.Time{}
}

// admits is the rate that the API is believed to admit, in requests a second. It falls
// while all requests are refused.
func (t *throttle) admits(now time.Time) float64 {
	if refused := now.Sub(t.refusals.first); t.refusing() && refused > longestPause {
		return min(t.limit.rate, t.meter.rate(refused))
	}
	return t.limit.rate
}
