package pace

import "time"

// The breaker opens after openAfter failures in a row, or when nothing is answered for
// silenceAfter.
const (
	openAfter    = 3
	silenceAfter = 2 * time.Second
)

// While the breaker is open, one probe is sent each probeInterval. When it has been open for
// slowDownAfter, the interval grows, up to maxProbeInterval.
const (
	probeInterval    = time.Second
	slowDownAfter    = 5 * time.Minute
	maxProbeInterval = 10 * time.Second
)

// breaker is the circuit breaker: it reports whether the API works, and when to probe it. It
// is not safe for concurrent use; the gate's lock guards it.
//
// Two things open it: openAfter failures without a success between them (see done for when
// one failure is enough), or silence: requests are in flight and none has been answered for
// silenceAfter. While it is open each request is a probe: one a second, fewer in a long
// outage. The first request that is served closes it. Any answer ends a silence.
//
// A throttled request is neither a failure nor a success. It does not close a breaker that
// failures have opened: a gateway that throttles says nothing about the API behind it. Nor
// does it reset the count of failures.
type breaker struct {
	failures int       // since the last success
	openedAt time.Time // when failures opened it; zero: they did not
	probed   time.Time // when the last request was sent

	inFlight int
	// silentSince is since when no request in flight has been answered.
	silentSince time.Time
}

// open reports whether only probes may be sent.
func (b *breaker) open(now time.Time) bool { return !b.openedAt.IsZero() || b.isSilent(now) }

// wait is how long the next request must wait. The length of the outage does not slow down
// newcomers.
func (b *breaker) wait(now time.Time, newcomer bool) time.Duration {
	if !b.open(now) {
		return 0
	}
	interval := probeInterval
	if !b.openedAt.IsZero() && !newcomer {
		if long := now.Sub(b.openedAt) - slowDownAfter; long > 0 {
			interval = min(maxProbeInterval, probeInterval+long/10)
		}
	}
	return b.probed.Add(interval).Sub(now)
}

// outageBegan is when the current outage began: tasks that arrived later are newcomers.
func (b *breaker) outageBegan() time.Time {
	if b.openedAt.IsZero() {
		return b.silentSince
	}
	return b.openedAt
}

// isSilent: requests are in flight and none has been answered for a while. This detects a
// hanging API long before the first request times out.
func (b *breaker) isSilent(now time.Time) bool {
	return b.inFlight > 0 && now.Sub(b.silentSince) >= silenceAfter
}

func (b *breaker) sent(now time.Time) {
	if b.inFlight == 0 {
		b.silentSince = now
	}
	b.inFlight++
	b.probed = now
}

// done notes the result of a request, and reports whether that opened or closed the
// breaker. One failure opens it at once if it ends a silence: it must not count as an
// answer that ends the outage. It also opens it at once with stayAway, a Retry-After: two
// more failures would come only after two more such waits, which are minutes each if IAM has
// locked the account.
func (b *breaker) done(now time.Time, result Result, stayAway bool) (opened, closed bool) {
	silent := b.isSilent(now)
	b.inFlight--
	b.silentSince = now
	switch result {
	case Served:
		closed = !b.openedAt.IsZero()
		b.failures, b.openedAt = 0, time.Time{}
	case Failed:
		b.failures++
		if b.openedAt.IsZero() && (b.failures >= openAfter || silent || stayAway) {
			b.openedAt, opened = now, true
		}
	}
	return opened, closed
}
