package consumer

import "time"

// lead decides how far the call high-water mark of a commit runs ahead of the calls. No
// event at or above the committed mark has been called: before a call beyond it, a commit
// with a higher mark must be acknowledged. So each commit raises it in advance, by as many
// offsets as calls advanced in the last second. At a steady rate no call waits for a
// commit. The unit is offsets, not calls, because many records need no call.
//
// It is not safe for concurrent use; the tracker's lock guards it.
type lead struct {
	// called is the high-water mark of the next commit. acked is that of the last
	// acknowledged commit: calls below it may start.
	called, acked int64
	// reached: highest called offset + 1, possibly by an earlier owner. from: its value at
	// the last tick. pace: how much it grew in the interval before that.
	reached, from, pace int64
	max                 int64     // offsets; how far called may be ahead of reached
	ticked              time.Time // when the current interval began
}

func newLead(reached, called int64, most int, now time.Time) lead {
	return lead{called: called, reached: reached, from: reached, max: int64(most), ticked: now}
}

// raise prepares a call at offset. may: the acknowledged mark allows it; otherwise it must
// wait for the next commit. wanted: half of the lead is used up, so a commit should follow
// now, before a call needs it.
func (l *lead) raise(offset int64) (may, wanted bool) {
	l.reached = max(l.reached, offset+1)
	ahead := min(max(l.reached-l.from, l.pace), l.max)
	l.called = max(l.called, offset+1+ahead)
	return offset < l.acked, offset+ahead/2 >= l.acked
}

func (l *lead) tick(now time.Time) {
	l.pace, l.from = l.reached-l.from, l.reached
	l.ticked = now
}
