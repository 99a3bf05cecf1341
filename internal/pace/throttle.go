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
//
// The admitted rate is the number of admitted requests, divided by the time in which there
// were requests to send. That includes the time in which all requests were refused: a limit
// with a fixed window admits a burst and then refuses all, a token bucket admits evenly, but
// on average both admit the limit's rate, whatever the length of the window.
//
// A throttle is not safe for concurrent use. The gate's lock guards it.
type throttle struct {
	window time.Duration // the quota's window; the limit's is assumed not to be longer
	limit  limit
	meter  meter
	next   time.Time // when the next request may be sent
	began  time.Time // when throttling began
	// lastDecrease is when refusals last set the limit; zero: not since throttling began.
	// admittedThen is the admitted rate that was measured then.
	lastDecrease time.Time
	admittedThen float64
	refusals     refusals
}

// refusals describe the requests refused since the last admitted one.
type refusals struct {
	first time.Time // zero: the last request was admitted
	last  time.Time // of the latest refusal, even if a request was admitted since
	rate  float64   // the rate of requests at the first refusal
	quota float64   // the quota's rate at the first refusal
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
	case t.limit.known():
		t.next = after(now, t.next, own)
		t.limit.grow(spacing)
	}
}

// throttled notes the refusal of a request that was sent at the given time. quota is the
// quota's rate: without a share there is nothing to slow down.
func (t *throttle) throttled(now, sent time.Time, quota float64) {
	switch {
	case quota <= 0 || sent.Before(t.lastDecrease):
		return // sent at the rate before the decrease: its refusal says nothing new
	case !t.refusing():
		if !t.limit.known() && now.Sub(t.refusals.last) > rememberWindows*t.window {
			t.began, t.lastDecrease, t.limit.peak = now, time.Time{}, 0
		}
		rate := min(quota, t.limit.rate)
		t.refusals = refusals{first: now, quota: quota, rate: rate, pause: max(firstPause, interval(rate))}
		if math.IsInf(rate, 1) {
			t.refusals.rate = t.meter.perSecond()
		}
		t.limit.peak = max(t.limit.peak, t.refusals.rate)
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
	switch first := t.lastDecrease.IsZero(); {
	case first && !t.looksLikeAWindow(refused), refused > t.window*3/2:
		// The first refusals may be chance. And if everything was refused for longer than a
		// window, that was not a limit.
		t.limit.search(max(t.meter.rate(refused), r.rate/2))
		t.measureAnew(now, refused)
	case first && t.meter.admitted < enoughCalls, !first && t.limitHasChanged(refused):
		// Too few requests to tell, or what was learned no longer applies.
		t.limit.search(min(r.rate, t.meter.estimate(r.rate, refused)))
		t.measureAnew(now, refused)
	case first || t.meter.enough(refused):
		t.limit.near(min(r.rate, t.meter.estimate(r.rate, refused)))
		t.measureAnew(now, refused)
	default:
		t.meter.busy += refused
		t.limit.lower(r.rate)
	}
	t.limit.rate = max(t.limit.rate, 1/t.window.Seconds())
	r.first = time.Time{}
	t.next = now.Add(interval(t.limit.rate))
}

// limitHasChanged reports whether what was learned at the last decrease no longer applies:
// everything was refused for long, after more than growIn requests a window, and not as many
// were admitted as last time.
func (t *throttle) limitHasChanged(refused time.Duration) bool {
	return refused > t.window/2 && t.refusals.rate*t.window.Seconds() > growIn && !t.sameAdmittedRate(refused)
}

// sameAdmittedRate reports whether about the same rate was admitted as at the last decrease.
func (t *throttle) sameAdmittedRate(refused time.Duration) bool {
	const alike = 1.5
	rate := t.meter.rate(refused)
	return rate < alike*t.admittedThen && t.admittedThen < alike*rate
}

// looksLikeAWindow reports whether the first refusals came soon and lasted long, as with a
// fixed number of requests in each window of the quota's length.
func (t *throttle) looksLikeAWindow(refused time.Duration) bool {
	return !math.IsInf(t.refusals.quota, 1) && t.meter.busy < t.window/2 && refused > t.window/3
}

// measureAnew notes that the limit was set, and restarts the measurement.
func (t *throttle) measureAnew(now time.Time, refused time.Duration) {
	t.lastDecrease, t.admittedThen = now, t.meter.rate(refused)
	t.meter.reset()
}

// active returns since when requests are throttled; zero: they are not.
func (t *throttle) active(now time.Time) time.Time {
	if t.limit.known() || t.refusing() || now.Sub(t.refusals.last) < t.window {
		return t.began
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
