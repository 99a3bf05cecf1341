package pace

import "time"

// The breaker opens after openAfter failures in a row, or when nothing is answered for
// silenceAfter.
const (
	openAfter    = 3
	silenceAfter = 2 * time.Second
)

// While the breaker is open, one probe a second is sent; after probeFast, fewer.
const (
	probeEvery  = time.Second
	probeFast   = 5 * time.Minute
	probeAtMost = 10 * time.Second
)

// breaker is the circuit breaker: it reports whether the API works, and when to probe it. It
// is not safe for concurrent use; the gate's lock guards it.
//
// A throttled request is neither a failure nor a success. It is an answer and ends a
// silence. It does not close the breaker: a gateway that throttles says nothing about the
// API behind it. Nor does it end a row of failures.
type breaker struct {
	failed int       // failures since the last success
	opened time.Time // when failures opened it; zero: they did not
	probed time.Time // when the last request was sent

	inFlight int
	// silent is since when no request in flight has been answered.
	silent time.Time
}

// open reports whether only probes may be sent.
func (b *breaker) open(now time.Time) bool { return !b.opened.IsZero() || b.isSilent(now) }

// wait is how long the next request must wait. The length of the outage does not slow down
// newcomers.
func (b *breaker) wait(now time.Time, newcomer bool) time.Duration {
	if !b.open(now) {
		return 0
	}
	every := probeEvery
	if !b.opened.IsZero() && !newcomer {
		if long := now.Sub(b.opened) - probeFast; long > 0 {
			every = min(probeAtMost, probeEvery+long/10)
		}
	}
	return b.probed.Add(every).Sub(now)
}

// since is when the current outage began: tasks that arrived later are newcomers.
func (b *breaker) since() time.Time {
	if b.opened.IsZero() {
		return b.silent
	}
	return b.opened
}

// isSilent: requests are in flight and none has been answered for a while. This detects a
// hanging API long before the first request times out.
func (b *breaker) isSilent(now time.Time) bool {
	return b.inFlight > 0 && now.Sub(b.silent) >= silenceAfter
}

func (b *breaker) sent(now time.Time) {
	if b.inFlight == 0 {
		b.silent = now
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
	b.silent = now
	switch result {
	case Served:
		closed = !b.opened.IsZero()
		b.failed, b.opened = 0, time.Time{}
	case Failed:
		b.failed++
		if b.opened.IsZero() && (b.failed >= openAfter || silent || stayAway) {
			b.opened, opened = now, true
		}
	}
	return opened, closed
}
