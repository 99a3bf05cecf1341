package retrier

import (
	"time"

	"remux-retrier/internal/pace"
)

// The wait between two calls for one event doubles from firstBackoff to
// longestBackoff. The longest is long so that tasks which nothing helps stay a
// small part of the calls, however many they are. While MPC serves nobody it is
// outageBackoff at most: then every task that waits may be the probe.
const (
	firstBackoff   = time.Second
	longestBackoff = 5 * time.Minute
	outageBackoff  = time.Minute
)

// backOff is how long the task waits after its call failed, or had its answer lost
// and no effect.
func (e *run) backOff() pause {
	wait := e.backoff.Next()
	outage := !e.r.cfg.Gate.Available()
	if outage {
		wait = min(wait, outageBackoff)
	}
	e.stepBackoff(wait)
	p := e.pause(backingOff, wait)
	p.outage = outage
	return p
}

// A failed call counts against its task only if MPC demonstrably served others:
// nine of the ten requests right before it, and nine in ten of at least
// minSamples that ended after it.
const (
	minSamples = pace.Last
	mostFailed = 3 * minSamples // so many without nine in ten served, and the samples begin anew
)

// evidence is what shows that calls fail for one task alone, and that no outage
// is the cause.
type evidence struct {
	counted  int // failed calls that count
	failures int // failed calls that were no probes
	// pending: a failed call is not judged yet; since is what had ended by then. A
	// further failure does not begin anew: otherwise calls that fail more often than
	// others are made would never count.
	pending bool
	since   pace.Tally
}

// failed takes note of a failed call, before which so many of the last requests
// were served.
func (v *evidence) failed(now pace.Tally, before int, probe bool) {
	if !probe {
		v.failures++
	}
	switch {
	case v.pending && now.Outages == v.since.Outages:
		v.since.Ended++ // its own failure is no sample
	case mostServed(before):
		v.pending, v.since = true, now
	default:
		v.pending = false
	}
}

// mostServed tells whether of the last requests so many were served that one which
// fails now fails alone.
func mostServed(lately int) bool { return lately*10 >= minSamples*9 }

// exclude leaves a request of the task's own out of the samples.
func (v *evidence) exclude() {
	v.since.Ended++
	v.since.Served++
}

// judge is called as late as possible, right before another call: what came after
// the failure shows whether it began an outage.
func (v *evidence) judge(now pace.Tally, available bool) {
	if !v.pending {
		return
	}
	ended, served := now.Ended-v.since.Ended, now.Served-v.since.Served
	switch {
	case now.Outages != v.since.Outages || !available:
		v.pending = false
	case ended < minSamples:
	case served*10 >= ended*9:
		v.counted++
		v.pending = false
	case ended >= mostFailed:
		v.pending = false
	}
}

// exhausted tells whether that was one call too many.
func (e *run) exhausted() bool { return e.counted >= e.r.cfg.MaxAttempts }

// moreSamples judges the last failure, and tells how long to wait for what is still
// needed for that: after MaxAttempts failures each further one is to count, so that a
// task that always fails costs twice as many at most. Where others are hardly
// called, that takes too long to wait for.
func (e *run) moreSamples() time.Duration {
	if e.last == nil {
		return 0
	}
	now, available := e.r.cfg.Gate.Tally(), e.r.cfg.Gate.Available()
	e.evidence.judge(now, available)
	if e.failures < e.r.cfg.MaxAttempts || !available || !e.pending && mostServed(now.Lately) {
		return 0
	}
	return min(sampleLook, longestBackoff-e.r.cfg.Clock.Now().Sub(e.lastCall))
}

// sampleLook is how often it is looked whether enough samples have come.
const sampleLook = 5 * time.Second
