package pace

import "time"

// The door closes after so many refusals in a row that say nothing about the
// tasks, or when nothing at all was answered for so long.
const (
	closeAfter   = 3
	silenceAfter = 2 * time.Second
)

// A closed door is knocked at once a second, and after probeFast less often.
const (
	probeEvery  = time.Second
	probeFast   = 5 * time.Minute
	probeAtMost = 10 * time.Second
)

// health is whether the API serves. It is not safe for concurrent use: the
// gate's lock guards it.
type health struct {
	refused int       // outage-class answers since the last that was none
	closed  time.Time // when the door was closed; zero: it is open
	probed  time.Time // when the last request left

	inFlight int
	// silent is since when no answer has come, of the requests under way.
	silent time.Time
}

// wait is how long the next request has to, because the API does not serve.
func (h *health) wait(now time.Time) time.Duration {
	if h.closed.IsZero() && !h.isSilent(now) {
		return 0
	}
	every := probeEvery
	if !h.closed.IsZero() {
		if long := now.Sub(h.closed) - probeFast; long > 0 {
			every = min(probeAtMost, probeEvery+long/10)
		}
	}
	return h.probed.Add(every).Sub(now)
}

// isSilent: requests are under way, and none has been answered for a while. A
// hanging API is noticed so, long before the first of them times out.
func (h *health) isSilent(now time.Time) bool {
	return h.inFlight > 0 && now.Sub(h.silent) >= silenceAfter
}

func (h *health) sent(now time.Time) {
	if h.inFlight == 0 {
		h.silent = now
	}
	h.inFlight++
	h.probed = now
}

// answered notes how a request ended, and tells whether the door was thereby
// closed or opened. One failure closes it at once if it ends a silence, which
// must not count as an answer that ends the outage, or if it says how long to
// stay away: two more would come only after as many of those times, minutes each
// where an account would be locked.
func (h *health) answered(now time.Time, served, stayAway bool) (closed, opened bool) {
	silent := h.isSilent(now)
	h.inFlight--
	h.silent = now
	if served {
		opened = !h.closed.IsZero()
		h.refused, h.closed = 0, time.Time{}
		return false, opened
	}
	h.refused++
	if h.closed.IsZero() && (h.refused >= closeAfter || silent || stayAway) {
		h.closed = now
		return true, false
	}
	return false, false
}
