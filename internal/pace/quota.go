package pace

import (
	"math"
	"time"
)

// headroom is the part of a share that is used. The rest absorbs edge cases: a window
// across two generations, or requests that are sent a little late.
const headroom = 0.95

// maxLate is how late a turn may be taken and still count as in time. Such delays are made
// up for, so that late timers cost no quota. A turn that is not taken is lost, so that
// there are no bursts.
const maxLate = 100 * time.Millisecond

// quota spaces requests evenly, so that the whole group stays within its quota. It is not
// safe for concurrent use; the gate's lock guards it.
type quota struct {
	perWindow int // of the whole group; 0: unlimited
	window    time.Duration

	owned Assignment // the current assignment
	// rate is this instance's rate in requests a second; +Inf: unlimited.
	rate float64
	next time.Time // when the next request may be sent
	// taken is when the last turn was taken, and due when it could be taken; zero: in an
	// earlier assignment.
	taken, due time.Time
}

// assign starts an assignment and returns the instance's share of the quota, in requests per
// window; 0 if the quota is unlimited.
//
// An instance that keeps a partition continues: the remaining fraction of its current
// interval applies to the new one. A new owner waits a whole interval, because a former
// owner may have sent a request just now. Both skip the requests that they carry over. Of
// an earlier carry-over only the part caused by the kept partitions' former owners remains;
// the next owner of a partition that was given up skips the rest. The wait is at most one
// window: after that the former owners' requests no longer count.
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
	share = Share(q.perWindow, a.Partitions, a.TopicPartitions)
	q.rate = headroom * float64(share) / q.window.Seconds()
	first := (left + a.carryOver(kept, q.perWindow)) * float64(q.interval())
	q.next = now.Add(time.Duration(min(first, float64(q.window)/headroom)))
	return share
}

func (q *quota) interval() time.Duration { return interval(q.rate) }

// interval is the time between two requests at a rate in requests a second.
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

// wait is how long the next request must wait.
func (q *quota) wait(now time.Time) time.Duration {
	if q.rate <= 0 {
		return never
	}
	return q.next.Sub(now)
}

// take uses a turn.
func (q *quota) take(now time.Time) {
	q.taken, q.due = now, q.next
	q.next = after(now, q.next, q.interval())
}

// giveBack returns a turn that was taken at the given time and not used, unless another one
// was taken since.
func (q *quota) giveBack(taken time.Time) {
	if !taken.IsZero() && taken.Equal(q.taken) {
		q.next = q.due
	}
}

// after is when the next turn comes, if the last one was due at due and taken now.
func after(now, due time.Time, interval time.Duration) time.Time {
	return now.Add(interval - max(0, min(now.Sub(due), interval, maxLate)))
}
