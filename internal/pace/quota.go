package pace

import (
	"math"
	"time"
)

// headroom is the part of a share that is used. What is left absorbs the edges:
// a window that touches two generations, requests that left a little late.
const headroom = 0.95

// mostLate is how late a turn may be taken and still count as in time. What is
// late is made up for, so that late timers cost no quota; a turn that is not
// taken is lost, so that there are no bursts.
const mostLate = 100 * time.Millisecond

// quota spaces requests evenly, so that the whole group stays within its quota. It
// is not safe for concurrent use: the gate's lock guards it.
type quota struct {
	perWindow int // of the whole group; 0: unlimited
	window    time.Duration

	owned Assignment // the present one
	// rate is this instance's, in requests a second; +Inf: unlimited.
	rate float64
	next time.Time // when the next request may leave
	// taken is when a turn was taken last, and due when that had come; zero: in
	// another assignment.
	taken, due time.Time
}

// assign gives the instance its share of the quota, in requests a window.
//
// An instance that keeps a partition goes on where it is: what is left of its
// present interval is left of the new one. For a new owner a whole interval is,
// because a former owner may have sent a request just now. Both leave out what
// they carry over. Of what was carried over before, only that is left which the kept
// partitions' former owners are the reason for: the next owner of a partition that
// was given up leaves out the rest. Nobody waits for longer than a window: by then
// nothing of the former owners counts.
func (q *quota) assign(now time.Time, a Assignment) (share int) {
	before, former := q.interval(), q.owned
	q.owned, q.taken = a, time.Time{}
	if q.perWindow == 0 {
		q.rate = math.Inf(1)
		return 0
	}
	kept := a.kept(former, q.perWindow)
	left := 1.0
	if len(kept) > 0 {
		left = max(0, min(float64(q.next.Sub(now))/float64(before), 1+a.carriedOver(kept, q.perWindow)))
	}
	share = Share(q.perWindow, a.Partitions, a.Of)
	q.rate = headroom * float64(share) / q.window.Seconds()
	first := (left + a.carryOver(kept, q.perWindow)) * float64(q.interval())
	q.next = now.Add(time.Duration(min(first, float64(q.window)/headroom)))
	return share
}

func (q *quota) interval() time.Duration { return interval(q.rate) }

// interval is the time between two requests at a rate, in requests a second.
func interval(rate float64) time.Duration {
	switch {
	case math.IsInf(rate, 1):
		return 0
	case rate*never.Seconds() <= 1:
		return never
	default:
		return time.Duration(float64(time.Second) / rate)
	}
}

// wait is how long the next request has to.
func (q *quota) wait(now time.Time) time.Duration {
	if q.rate <= 0 {
		return never
	}
	return q.next.Sub(now)
}

// take spends a turn.
func (q *quota) take(now time.Time) {
	q.taken, q.due = now, q.next
	q.next = after(now, q.next, q.interval())
}

// giveBack makes up for a turn that was taken at that time and not used, unless there
// were others since.
func (q *quota) giveBack(taken time.Time) {
	if !taken.IsZero() && taken.Equal(q.taken) {
		q.next = q.due
	}
}

// after is when the turn comes that follows one that was due at, and taken now.
func after(now, due time.Time, interval time.Duration) time.Time {
	return now.Add(interval - max(0, min(now.Sub(due), interval, mostLate)))
}
