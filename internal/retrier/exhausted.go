package retrier

import (
	"time"

	"remux-retrier/internal/pace"
)

// The wait between two calls for one event doubles from firstBackoff to longestBackoff. The
// longest wait is long, so that tasks which always fail stay a small part of the calls,
// however many they are. While MPC serves no task the wait is at most outageBackoff, so
// that every waiting task may be the probe.
const (
	firstBackoff   = time.Second
	longestBackoff = 5 * time.Minute
	outageBackoff  = time.Minute
)

// backOff is how long the task waits after a call that failed, or whose answer was lost
// without effect.
func (p *progress) backOff() pause {
	wait := p.backoff.Next()
	outage := !p.r.cfg.Gate.Available()
	if outage {
		wait = min(wait, outageBackoff)
	}
	p.stepBackoff(wait)
	next := p.pause(backingOff, wait)
	next.outage = outage
	return next
}

// A failed call counts against its task only if MPC demonstrably served others: nine of the
// ten requests right before it, and nine in ten of at least minSamples requests after it.
const (
	minSamples = pace.RecentRequests
	maxSamples = 3 * minSamples // after this many without nine in ten served, the failure does not count
)

// evidence shows whether calls fail for one task alone, and not because of an outage.
type evidence struct {
	counted  int // failed calls that count
	failures int // failed calls that were not probes
	// pending: a failed call is not judged yet. since holds the counters at that time. A
	// further failure does not restart it: otherwise calls that fail more often than others
	// are made would never count.
	pending bool
	since   pace.Counters
}

// failed notes a failed call. before is how many of the requests right before it were
// served. probe: it was sent while the circuit breaker was open.
func (v *evidence) failed(now pace.Counters, before int, probe bool) {
	if !probe {
		v.failures++
	}
	switch {
	case v.pending && now.Outages == v.since.Outages:
		v.since.Ended++ // its own failure is not a sample
	case mostServed(before):
		v.pending, v.since = true, now
	default:
		v.pending = false
	}
}

// mostServed reports whether so many of the last requests were served that a failure now is
// the task's own.
func mostServed(lately int) bool { return lately*10 >= minSamples*9 }

// exclude removes a request of the task itself from the samples.
func (v *evidence) exclude() {
	v.since.Ended++
	v.since.Served++
}

// judge is called as late as possible, right before another call: what came after the
// failure shows whether it began an outage.
func (v *evidence) judge(now pace.Counters, available bool) {
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
	case ended >= maxSamples:
		v.pending = false
	}
}

// exhausted reports whether too many calls have failed.
func (p *progress) exhausted() bool { return p.evidence.counted >= p.r.cfg.MaxAttempts }

// moreSamples judges the last failure and returns how long to wait for missing samples.
// After MaxAttempts failures each further one should count, so that a task that always
// fails costs at most twice as many calls. If others are hardly called, that takes too long
// to wait for.
func (p *progress) moreSamples() time.Duration {
	if p.last == nil {
		return 0
	}
	now, available := p.r.cfg.Gate.Counters(), p.r.cfg.Gate.Available()
	p.evidence.judge(now, available)
	if p.evidence.failures < p.r.cfg.MaxAttempts || !available || !p.evidence.pending && mostServed(now.RecentlyServed) {
		return 0
	}
	return min(sampleInterval, longestBackoff-p.r.cfg.Clock.Now().Sub(p.lastCall))
}

// sampleInterval is how often the samples are checked.
const sampleInterval = 5 * time.Second
