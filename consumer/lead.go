package consumer

import "time"

// lead decides how far ahead the commits tell of calls. Each commit carries
// called: no event at or above it has been called. Before an event beyond the
// acknowledged value is called, a commit with a higher one must be acknowledged.
// So it is raised ahead, by as many offsets as the calls of the last second have
// passed: at a steady rate no call waits for a commit. That counts offsets, and
// not calls, for many a record is not called.
//
// It is not safe for concurrent use: the tracker's lock guards it.
type lead struct {
	// called is what the next commit carries, acked what the last acknowledged one
	// did: calls below it may begin.
	called, acked int64
	// reached: the highest offset that was called, plus 1, perhaps by an owner
	// before. from: its value at the last tick. pace: how much it grew in the
	// interval before.
	reached, from, pace int64
	max                 int64
	ticked              time.Time // when the present interval began
}

func newLead(reached, called int64, most int, now time.Time) lead {
	return lead{called: called, reached: reached, from: reached, max: int64(most), ticked: now}
}

// raise is for a call at offset. It may begin if the acknowledged value allows
// that, otherwise after the next commit. That one is wanted as soon as half of
// the lead is used up: at a steady rate it is acknowledged before a call needs it.
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
