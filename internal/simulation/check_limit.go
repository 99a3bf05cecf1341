package simulation

import "time"

// The use of an unknown limit is measured for measuredFor at a time. Measuring begins
// learnWithin after the end of the faults or the latest rebalance, once a request was
// refused, and while there is a backlog in all partitions.
const (
	learnWithin = 2 * time.Minute
	measuredFor = 3 * time.Minute
)

// learned is how well a limit must be known, in percent: at most refusedAtMost of the
// requests are refused, and at least usedAtLeast of what is admitted is used. Earlier
// refusals for other reasons may make the limit look lower; it takes minutes to find that
// out, and a limit that seems to have changed is searched twice, with up to nine refusals each
// time. Several instances that share a limit each learn from few requests a minute, and
// without a quota nothing shows at first how high a limit may be. Package pace's tests
// check how well a limit is known without such disturbances.
func (w *world) learned() (refusedAtMost, usedAtLeast int) {
	if w.quota == 0 || len(w.slots) > 1 {
		return 60, 25
	}
	return 25, 45
}

// limited counts requests against the limit since it was learned.
type limited struct {
	since             time.Duration // 0: not learned, or no backlog in all partitions
	admitted, refused int
}

// watchLimit notes whether a request was admitted.
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

// checkLimit starts or ends measuring, depending on the backlog. It runs once a second
// after all faults have ended.
func (w *world) checkLimit() {
	l := &w.mpc.limited
	switch {
	case w.limit.perMinute == 0:
	case w.s.now-w.callableSince < learnWithin || w.mpc.throttledAt == 0 || !w.backlog():
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
