package ledger

import (
	"time"

	"remux-retrier/internal/clock"
)

const (
	// tolerance is how far the wall clock may step and be believed at once.
	tolerance = time.Minute
	// believeAfter is for how long a wall clock that stepped further must have
	// stayed there.
	believeAfter = 5 * time.Minute
)

// year2000 is before Kafka: earlier times are errors, or mean that there is none.
var year2000 = time.Unix(946_684_800, 0).UTC()

// timeline is the present, by which the ledger forgets. It advances with the
// monotonic clock and takes over another wall time only when that has lasted: a
// wall clock that jumps a day ahead for a moment must not empty the budgets.
//
// At its start there is nothing to compare the wall clock with but the times of
// records. While all of them are much older it is the time of the newest, and not
// the wall clock's, until that has lasted, too. It is not safe for concurrent use.
type timeline struct {
	clock    clock.Clock
	started  bool
	starting bool      // the wall clock is not believed yet
	base, at time.Time // the present was base when the monotonic clock told at
	// since is when the wall clock began to be off by so much; zero: it is not.
	since time.Time
	off   time.Duration
}

// start begins with the newest time of a record; zero: there is none.
func (t *timeline) start(newest time.Time) {
	wall := t.clock.Wall()
	t.started, t.starting = true, true
	t.set(wall, t.clock.Now())
	if !newest.IsZero() && newest.Before(wall.Add(-skew)) {
		t.base = newest
	}
}

func (t *timeline) set(base, at time.Time) { t.base, t.at, t.since = base, at, time.Time{} }

// now is the present.
func (t *timeline) now() time.Time {
	if !t.started {
		return t.clock.Wall()
	}
	at, wall := t.clock.Now(), t.clock.Wall()
	present := t.base.Add(at.Sub(t.at))
	off := wall.Sub(present)
	switch {
	case off.Abs() <= tolerance, t.starting && off <= skew: // the latter: also back
	case t.since.IsZero() || (off-t.off).Abs() > tolerance:
		t.since, t.off = at, off
		return present
	case at.Sub(t.since) < believeAfter:
		return present
	}
	t.set(wall, at)
	t.starting = false
	return wall
}

// seen takes note of a record's time while the wall clock is not believed yet: if it
// is not ahead of the wall clock, the present is not earlier.
func (t *timeline) seen(record time.Time) {
	if !t.starting || record.After(t.clock.Wall()) {
		return
	}
	if ahead := record.Sub(t.now()); ahead > 0 {
		t.base, t.off = t.base.Add(ahead), t.off-ahead
	}
}

// decided is when a decision was made, as far as that can be believed: not after it
// was published, and not in the future. It is false where no time is plausible.
func (t *timeline) decided(decided, published time.Time) (time.Time, bool) {
	if plausible := !published.Before(year2000); plausible && (decided.Before(year2000) || decided.After(published.Add(skew))) {
		decided = published
	}
	if now := t.now(); decided.After(now) {
		decided = now
	}
	return decided, !decided.Before(year2000)
}
