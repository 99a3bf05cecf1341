package ledger

import (
	"time"

	"remux-retrier/internal/clock"
)

const (
	// tolerance is how far the wall clock may jump and still be trusted at once.
	tolerance = time.Minute
	// believeAfter is how long a larger jump must last before it is trusted.
	believeAfter = 5 * time.Minute
)

// year2000 is before Kafka: earlier times are errors or mean "none".
var year2000 = time.Unix(946_684_800, 0).UTC()

// timeline is the current time by which the ledger expires decisions. It advances with the
// monotonic clock and adopts a different wall time only after that has lasted: a wall clock
// that jumps a day ahead for a moment must not empty the budgets.
//
// At the start the wall clock can only be compared with the times of records. If all of
// them are much older, the timeline starts at the newest record's time until the wall clock
// has lasted, too. If there is none, it starts at the wall clock's time, and follows it back
// at once until a record confirms it or it has lasted. It is not safe for concurrent use.
type timeline struct {
	clock    clock.Clock
	started  bool
	starting bool      // the wall clock is not trusted yet
	until    time.Time // starting lasts until then, by the monotonic clock; zero: not set
	base, at time.Time // the time was base when the monotonic clock showed at
	// since is when the wall clock started to differ by off; zero: it does not.
	since time.Time
	off   time.Duration
}

// start starts at the newest time of a record; zero: there is none.
func (t *timeline) start(newest time.Time) {
	wall := t.clock.Wall()
	t.started, t.starting = true, true
	t.set(wall, t.clock.Now())
	switch {
	case newest.IsZero():
		t.until = t.at.Add(believeAfter)
	case newest.Before(wall.Add(-skew)):
		t.base = newest
	}
}

func (t *timeline) set(base, at time.Time) { t.base, t.at, t.since = base, at, time.Time{} }

// now is the current time.
func (t *timeline) now() time.Time {
	if !t.started {
		return t.clock.Wall()
	}
	at, wall := t.clock.Now(), t.clock.Wall()
	present := t.base.Add(at.Sub(t.at))
	off := wall.Sub(present)
	switch {
	case off.Abs() <= tolerance, t.starting && off <= skew: // while starting, also backwards
	case t.since.IsZero() || (off-t.off).Abs() > tolerance:
		t.since, t.off = at, off
		return present
	case at.Sub(t.since) < believeAfter:
		return present
	}
	t.set(wall, at)
	t.starting = t.starting && at.Before(t.until)
	return wall
}

// seen notes a record's time while the wall clock is not trusted yet: the current time is
// not before the record's, unless the record is ahead of the wall clock. A recent record
// confirms the wall clock.
func (t *timeline) seen(record time.Time) {
	if !t.starting {
		return
	}
	wall := t.clock.Wall()
	if record.After(wall) {
		return
	}
	if record.After(wall.Add(-skew)) {
		t.until = time.Time{}
	}
	if ahead := record.Sub(t.now()); ahead > 0 {
		t.base, t.off = t.base.Add(ahead), t.off-ahead
	}
}

// decided is when a decision was made, corrected for wrong clocks: at most ten minutes after
// it was published, and not in the future. It returns false if no time is plausible.
func (t *timeline) decided(decided, published time.Time) (time.Time, bool) {
	if plausible := !published.Before(year2000); plausible && (decided.Before(year2000) || decided.After(published.Add(skew))) {
		decided = published
	}
	if now := t.now(); decided.After(now) {
		decided = now
	}
	return decided, !decided.Before(year2000)
}
