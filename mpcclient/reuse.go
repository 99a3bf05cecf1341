package mpcclient

import (
	"crypto/x509"
	"net/http"
	"sync"
	"time"
)

// reuse decides whether requests go over connections that are kept open. Some firewalls and load balancers reset a
// connection that is used a second time. Each such call is lost: it costs a query and a wait.
//
// Kept connections are given up where at least one in eight of their requests ends without an answer. After a pause
// single requests try whether they hold again.
type reuse struct {
	kept  http.RoundTripper
	fresh http.RoundTripper // opens a connection for each request; nil: reuse is never given up

	mu    sync.Mutex
	score int           // of broken connections, less that of answers
	pause time.Duration // how long reuse was given up for; 0: it is not
	until time.Time     // when it may be tried again
	trial bool          // a request tries it right now
	held  int           // tries in a row that were answered
}

const (
	brokenScore, worstScore  = 8, 24 // an answer takes away 1
	firstFresh, longestFresh = time.Minute, time.Hour
	enoughTrials             = 3 // the first one opens the connection
)

// newReuse makes the connections; a transport that tests give is used instead.
func newReuse(given http.RoundTripper, maxIdle int, roots func() *x509.CertPool) *reuse {
	if given == nil {
		return &reuse{
			kept: newRooted(roots, func() *http.Transport { return newTransport(maxIdle) }),
			fresh: newRooted(roots, func() *http.Transport {
				t := newTransport(maxIdle)
				t.DisableKeepAlives = true
				return t
			}),
		}
	}
	r := &reuse{kept: given}
	if t, ok := given.(*http.Transport); ok {
		fresh := t.Clone()
		fresh.DisableKeepAlives = true
		r.fresh = fresh
	}
	return r
}

// choose gives the transport for a request, whose end must be reported.
func (r *reuse) choose(now time.Time) http.RoundTripper {
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

// ended takes in how a request over t ended: answered, or broken by the other side after it was sent. Neither: that
// says nothing about reuse.
func (r *reuse) ended(t http.RoundTripper, answered, broken bool, now time.Time) {
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
		if r.held++; r.held == enoughTrials {
			r.score, r.pause = 0, 0
		}
	case broken:
		r.giveUp(min(2*r.pause, longestFresh), now)
	default:
		r.trial = false
	}
}

func (r *reuse) giveUp(pause time.Duration, now time.Time) {
	r.pause, r.until, r.trial, r.held = pause, now.Add(pause), false, 0
	closeIdle(r.kept)
}
