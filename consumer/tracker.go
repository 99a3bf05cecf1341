package consumer

import (
	"context"
	"sync"
	"time"

	"remux-retrier/internal/clock"
)

// tracker follows the events of one partition through one generation: which
// are unanswered, which may have been called, what may be committed.
//
// Events are tracked in the order of their offsets and resolved in any. Whoever
// resolves, calls or commits may do so at the same time: mu guards all fields
// but held, which is the lookAhead's. Its lock is taken after mu.
type tracker struct {
	clock     clock.Clock
	lookAhead *lookAhead
	held      holding

	mu sync.Mutex
	// entries holds the unanswered events in ascending order, and among them
	// answered ones that were not dropped yet; live counts the former.
	entries []*entry
	live    int
	next    int64 // the first offset that was not looked at
	before  inherited
	lead    lead
}

// inherited is what the last commit before this generation tells.
type inherited struct {
	// done are the answered offsets from the tracker's next on.
	done []Interval
	// inDoubt: unanswered events below it may have been called.
	inDoubt int64
	// since bounds the age of the answers, which stand below end, the partition's
	// end as the generation began. Zero: unknown.
	since time.Time
	end   int64
}

// entry is one unanswered event.
type entry struct {
	offset int64
	size   int
	time   time.Time // the record's
	// tracked is when this generation took it on: no answer of it is older.
	tracked time.Time
	// called: a call for it may have had an effect that no answer tells of yet.
	called   bool
	resolved bool
	// shares: it counts in the look-ahead by its bytes alone.
	shares bool
}

// newTracker starts at the committed low-water mark with what its mark said. The
// partition ends at end. maxLead bounds by how many offsets the commits tell of
// calls ahead.
func newTracker(c clock.Clock, low int64, m Mark, end int64, l *lookAhead, maxLead int) *tracker {
	return &tracker{
		clock: c, lookAhead: l, next: low,
		before: inherited{done: m.Done, inDoubt: m.Called, since: m.Since, end: end},
		lead:   newLead(max(low, m.Called), m.Called, maxLead, c.Wall()),
	}
}

// track takes on a record. It waits while the look-ahead is full, and returns
// nil for a record that is answered already.
func (t *tracker) track(ctx context.Context, r *Record) (*entry, error) {
	size := r.size() + eventBytes
	for {
		room := t.lookAhead.take(&t.held, size)
		if room == nil {
			break
		}
		if err := t.clock.Wait(ctx, room); err != nil {
			return nil, err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	done := t.pass(r.Offset)
	t.next = r.Offset + 1
	if done {
		t.lookAhead.release(&t.held, 1, size)
		return nil, nil
	}
	e := &entry{offset: r.Offset, size: size, time: r.Time, tracked: t.clock.Wall(), called: r.Offset < t.before.inDoubt}
	t.entries = append(t.entries, e)
	t.live++
	return e, nil
}

// full tells whether a record waits because the look-ahead holds enough.
func (t *tracker) full() bool { return t.lookAhead.isPaused(&t.held) }

// sharePlace: the event waits behind another one of its task.
func (t *tracker) sharePlace(e *entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !e.shares && !e.resolved {
		e.shares = true
		t.lookAhead.release(&t.held, 1, 0)
	}
}

// pass drops the inherited intervals below offset and tells whether one of
// them holds it.
func (t *tracker) pass(offset int64) bool {
	done := &t.before.done
	for len(*done) > 0 && (*done)[0].To <= offset {
		*done = (*done)[1:]
	}
	return len(*done) > 0 && (*done)[0].From <= offset
}

// advance says that below next there is nothing more to track: a page may end
// in records that were aborted or compacted away.
func (t *tracker) advance(next int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if next > t.next {
		t.next = next
		t.pass(next)
	}
}

// lost counts the offsets from next on, below first, that have no answer:
// records that retention deleted before they were read.
func (t *tracker) lost(first int64) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := first - t.next
	for _, i := range t.before.done {
		n -= max(0, min(i.To, first)-max(i.From, t.next))
	}
	return max(0, n)
}

// resolve: the event is answered, or needs no answer.
func (t *tracker) resolve(e *entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.resolved {
		return
	}
	e.resolved = true
	t.live--
	events := 1
	if e.shares {
		events = 0
	}
	t.lookAhead.release(&t.held, events, e.size)
	for len(t.entries) > 0 && t.entries[0].resolved {
		t.entries = t.entries[1:]
	}
	// One event that waits for days must not hold the memory of all that were
	// answered behind it.
	if len(t.entries) > 2*t.live+16 {
		kept := make([]*entry, 0, t.live)
		for _, e := range t.entries {
			if !e.resolved {
				kept = append(kept, e)
			}
		}
		t.entries = kept
	}
}

// begin wants to call for the event: see lead.raise.
func (t *tracker) begin(e *entry) (may, wanted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.called = true
	return t.lead.raise(e.offset)
}

// settle: what the event's calls did is known, and it was nothing.
func (t *tracker) settle(e *entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.called = false
}

// tick starts the next interval of the lead. It is called about once a second.
func (t *tracker) tick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lead.tick(t.clock.Wall())
}

// acknowledged: a commit that carried this high-water mark of calls is stored.
func (t *tracker) acknowledged(called int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lead.acked = called
}

// waiting tells how many events are unanswered, and the oldest one's time. A
// record without a time has no age.
func (t *tracker) waiting() (events int, oldest time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.entries {
		if !e.resolved && HasTime(e.time) && (oldest.IsZero() || e.time.Before(oldest)) {
			oldest = e.time
		}
	}
	return t.live, oldest
}

// reached is the first offset that was not looked at: the log is so long at least.
func (t *tracker) reached() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next
}
