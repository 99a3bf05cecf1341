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
func (e *run) exhausted() bool { return e.counted >= e.r.cfg.MaxAttempts }

// moreSamples judges the last failure and returns how long to wait for missing samples.
// After MaxAttempts failures each further one should count, so that a task that always
// fails costs at most twice as many calls. If others are hardly called, that takes too long
// to wait for.
func (e *run) moreSamples() time.Duration {
	if e.last == nil {
		return 0
	}
	now, available := e.r.cfg.Gate.Counters(), e.r.cfg.Gate.Available()
	e.evidence.judge(now, available)
	if e.failures < e.r.cfg.MaxAttempts || !available || !e.pending && mostServed(now.RecentlyServed) {
		return 0
	}
	return min(sampleInterval, longestBackoff-e.r.cfg.Clock.Now().Sub(e.lastCall))
}

// sampleInterval is how often the samples are checked.
const sampleInterval = 5 * time.Second
