package mpcsim

import "time"

// quota limits requests by a token bucket per second, a sliding window per minute, or
// both. Refused requests do not count.
type quota struct {
	perSecond float64
	tokens    float64
	filled    time.Time

	// admitted is a ring of the times of the last cap(admitted) admitted requests.
	// Once it is full, next is the index of the oldest.
	admitted []time.Time
	next     int
}

func newQuota(perSecond float64, perMinute int) quota {
	return quota{perSecond: perSecond, admitted: make([]time.Time, 0, perMinute)}
}

// admit reports whether a request at now is within the quota, and counts it if so.
func (q *quota) admit(now time.Time) bool {
	perMinute := cap(q.admitted)
	full := perMinute > 0 && len(q.admitted) == perMinute
	if full && now.Sub(q.admitted[q.next]) < time.Minute {
		return false
	}
	if !q.takeToken(now) {
		return false
	}
	switch {
	case full:
		q.admitted[q.next] = now
		q.next = (q.next + 1) % perMinute
	case perMinute > 0:
		q.admitted = append(q.admitted, now)
	}
	return true
}

func (q *quota) takeToken(now time.Time) bool {
	if q.perSecond == 0 {
		return true
	}
	// With less than one request a second, a bucket for one second would never hold
	// a whole token.
	burst := max(q.perSecond, 1)
	if q.filled.IsZero() {
		q.tokens = burst
	} else if gone := now.Sub(q.filled); gone > 0 {
		q.tokens = min(burst, q.tokens+gone.Seconds()*q.perSecond)
	}
	q.filled = now
	if q.tokens < 1 {
		return false
	}
	q.tokens--
	return true
}
