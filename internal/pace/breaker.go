package pace

import "time"

// The breaker opens after so many failures in a row, or when nothing at all was
// answered for so long.
const (
	openAfter    = 3
	silenceAfter = 2 * time.Second
)

// While the breaker is open, one probe a second is sent, and after probeFast fewer.
const (
	probeEvery  = time.Second
	probeFast   = 5 * time.Minute
	probeAtMost = 10 * time.Second
)

// breaker is the circuit breaker: whether the API serves, and when to probe it. It
// is not safe for concurrent use: the gate's lock guards it.
//
// A request that was throttled is neither a failure nor served. It is an answer,
// and ends a silence. It does not close the breaker: a gateway that throttles says
// nothing about the API behind it. Nor does it end a row of failures.
type breaker struct {
	failed int       // failures since the last request that was served
	opened time.Time // zero: it is closed
	probed time.Time // when the last request left

	inFlight int
	// silent is since when no answer has come, of the requests under way.
	silent time.Time
}

// open tells whether only probes may leave.
func (b *breaker) open(now time.Time) bool { return !b.opened.IsZero() || b.isSilent(now) }

// wait is how long the next request has to. A newcomer's is not slowed down by
// the outage's length.
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

// since is when the outage began that holds now: what came later is a newcomer.
func (b *breaker) since() time.Time {
	if b.opened.IsZero() {
		return b.silent
	}
	return b.opened
}

// isSilent: requests are under way, and none has been answered for a while. A
// hanging API is noticed so, long before the first of them times out.
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

// done notes how a request ended, and tells whether that opened or closed the
// breaker. One failure opens it at once if it ends a silence, which must not count
// as an answer that ends the outage, or if it says how long to stay away: two more
// would come only after as many of those times, minutes each where an account would
// be locked.
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
