package simulation

import "time"

// What the service makes of a limit that it does not know, from learnWithin after its
// first refusal on, for as long as there is a backlog everywhere.
const (
	learnWithin = 2 * time.Minute
	measuredFor = 3 * time.Minute
)

// learned is how well a limit is known, in percent: of the requests so many are refused
// at most, and of what is admitted so much is used at least. What was refused for other
// reasons before may have had it taken for lower, which it takes minutes to find out.
// Where several instances share a limit, each learns from a few requests a minute, and
// without a quota nothing tells at first how high a limit may be. How well one is known
// where none of that disturbs is a matter of package pace's tests.
func (w *world) learned() (refusedAtMost, usedAtLeast int) {
	if w.quota == 0 || len(w.slots) > 1 {
		return 60, 25
	}
	return 20, 45
}

// limited is how requests have fared against the limit since it was learned.
type limited struct {
	since             time.Duration // 0: it was not, or there was no backlog everywhere
	admitted, refused int
}

// watchLimit is told of each request, whether it was admitted.
func (w *world) watchLimit(admitted bool) {
	l := &w.mpc.limited
	if l.since == 0 {
		return
	}
	if admitted {
		l.admitted++
	} else {
		l.refused++
	}
}

// checkLimit begins to measure, or ends, as the backlog has it. It looks once a second,
// when everything has healed.
func (w *world) checkLimit() {
	l := &w.mpc.limited
	switch {
	case w.limit.perMinute == 0:
	case w.s.now-w.wellSince < learnWithin || w.mpc.throttledAt == 0 || !w.backlog():
		*l = limited{}
	case l.since == 0:
		l.since = w.s.now
	case w.s.now-l.since >= measuredFor:
		refusedAtMost, usedAtLeast := w.learned()
		if all := l.admitted + l.refused; l.refused*100 > refusedAtMost*all {
			w.violate("4: a limit is learned", "%d of %d requests were refused in %v, %d a minute are admitted (%s)", l.refused, all, measuredFor, w.limit.perMinute, w.limit.kind)
		}
		if could := w.limit.perMinute * int(measuredFor/time.Minute); l.admitted*100 < usedAtLeast*could {
			w.violate("4: a limit is used", "%d requests were admitted in %v, and %d could have been (%d a minute, %s)", l.admitted, measuredFor, could, w.limit.perMinute, w.limit.kind)
		}
		*l = limited{since: w.s.now}
	}
}

// backlog: in each partition a task waits that was never called.
func (w *world) backlog() bool {
	for _, records := range w.log.partitions {
		waits := false
		for _, e := range records {
			waits = waits || e != nil && !e.answered() && e.task != nil && len(e.task.calls) == 0
		}
		if !waits {
			return false
		}
	}
	return true
}
