package mpcclient

import (
	"crypto/x509"
	"net/http"
	"sync"
	"time"
)

// connReuse decides whether requests use connections that are kept open. Some firewalls and
// load balancers reset a connection that is used a second time. Each such call is lost and
// costs a query and a wait.
//
// Kept connections are given up if at least one in eight of their requests ends without an
// answer. After a pause single requests test whether they work again.
type connReuse struct {
	kept  http.RoundTripper
	fresh http.RoundTripper // opens a connection for each request; nil: reuse is never given up

	mu        sync.Mutex
	score     int           // of broken connections, minus that of answers
	pause     time.Duration // how long reuse is given up; 0: it is not
	until     time.Time     // when it may be tested again
	trial     bool          // a request is testing it right now
	successes int           // successful tests in a row
}

const (
	brokenScore, worstScore  = 8, 24 // an answer subtracts 1
	firstFresh, longestFresh = time.Minute, time.Hour
	enoughTrials             = 3 // the first one opens the connection
)

// newConnReuse makes the connections; a transport given by a test is used instead.
func newConnReuse(given http.RoundTripper, maxIdle int, roots func() *x509.CertPool) *connReuse {
	if given == nil {
		return &connReuse{
			kept: newReloadingTransport(roots, func() *http.Transport { return newTransport(maxIdle) }),
			fresh: newReloadingTransport(roots, func() *http.Transport {
				t := newTransport(maxIdle)
				t.DisableKeepAlives = true
				return t
			}),
		}
	}
	r := &connReuse{kept: given}
	if t, ok := given.(*http.Transport); ok {
		fresh := t.Clone()
		fresh.DisableKeepAlives = true
		r.fresh = fresh
	}
	return r
}

// choose returns the transport for a request. Its result must be reported with ended.
func (r *connReuse) choose(now time.Time) http.RoundTripper {
	if r.fresh == nil {
		return r.kept
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.pause == 0:
		return r.kept
	case r.trial || now.Before(r.until):
		return r.fresh
	}
	r.trial = true
	return r.kept
}

// ended notes the result of a request over t: answered, or broken by the peer after it was
// sent. If neither, it says nothing about reuse.
func (r *connReuse) ended(t http.RoundTripper, answered, broken bool, now time.Time) {
	if r.fresh == nil || t != r.kept {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.pause == 0 && answered:
		r.score = max(r.score-1, 0)
	case r.pause == 0 && broken:
		if r.score += brokenScore; r.score >= worstScore {
			r.giveUp(firstFresh, now)
		}
	case r.pause == 0, !r.trial: // the latter: sent before reuse was given up
	case answered:
		r.trial = false
		if r.successes++; r.successes == enoughTrials {
			r.score, r.pause = 0, 0
		}
	case broken:
		r.giveUp(min(2*r.pause, longestFresh), now)
	default:
		r.trial = false
	}
}

func (r *connReuse) giveUp(pause time.Duration, now time.Time) {
	r.pause, r.until, r.trial, r.successes = pause, now.Add(pause), false, 0
	closeIdle(r.kept)
}
