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
// resolves, calls or commits may do so at the same time: mu guards all fields.
type tracker struct {
	clock               clock.Clock
	maxEvents, maxBytes int

	mu sync.Mutex
	// entries holds the unanswered events in ascending order, and among them
	// answered ones that were not dropped yet; live counts the former.
	entries []*entry
	live    int
	bytes   int
	paused  bool // the last record that came did not fit
	// next is the first offset that was not looked at.
	next int64
	// inherited is what the commit before this generation said of the offsets
	// from next on.
	inherited []Interval
	// doubtful: unanswered events below it may have been called before this
	// generation.
	doubtful int64
	// since bounds the age of former owners' answers, which stand below end: zero
	// is unknown.
	since time.Time
	end   int64
	// ticked is when the present second began.
	ticked time.Time
	// called is the H that the next commit carries, acked the one that a commit
	// was acknowledged with: calls below it may begin.
	called, acked int64
	// reached is the first offset above all that were called, by former owners
	// perhaps, from what it was at the last tick, and pace by how much it grew in the
	// interval before: so many offsets ahead is H raised, but no more than the
	// look-ahead holds. That counts offsets, and not calls, for many a record is not
	// called.
	reached, from, pace int64
	// room is closed when an event is answered; nil unless the fetcher waits.
	room chan struct{}
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
}

// newTracker starts at the committed low-water mark with what its mark said. The
// partition ends at end.
func newTracker(c clock.Clock, low int64, m Mark, end int64, maxEvents, maxBytes int) *tracker {
	reached := max(low, m.Called)
	return &tracker{
		clock: c, maxEvents: maxEvents, maxBytes: maxBytes,
		next: low, inherited: m.Done, doubtful: m.Called, called: m.Called,
		since: m.Since, end: end, ticked: c.Now(), reached: reached, from: reached,
	}
}

// track takes on a record. It waits while the look-ahead is full, and returns
// nil for a record that is answered already.
func (t *tracker) track(ctx context.Context, r *Record) (*entry, error) {
	size := r.size()
	for {
		e, room := t.tryTrack(r, size)
		if room == nil {
			return e, nil
		}
		if err := t.clock.Wait(ctx, room); err != nil {
			return nil, err
		}
	}
}

// tryTrack gives what to wait for if the look-ahead is full.
func (t *tracker) tryTrack(r *Record, size int) (e *entry, room <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.paused = t.live > 0 && (t.live >= t.maxEvents || t.bytes+size > t.maxBytes)
	if t.paused {
		if t.room == nil {
			t.room = make(chan struct{})
		}
		return nil, t.room
	}
	done := t.pass(r.Offset)
	t.next = r.Offset + 1
	if done {
		return nil, nil
	}
	e = &entry{offset: r.Offset, size: size, time: r.Time, tracked: t.clock.Now(), called: r.Offset < t.doubtful}
	t.entries = append(t.entries, e)
	t.live++
	t.bytes += size
	return e, nil
}

// full tells whether a record waits because the look-ahead holds enough.
func (t *tracker) full() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.paused
}

// pass drops the inherited intervals below offset and tells whether one of
// them holds it.
func (t *tracker) pass(offset int64) bool {
	for len(t.inherited) > 0 && t.inherited[0].To <= offset {
		t.inherited = t.inherited[1:]
	}
	return len(t.inherited) > 0 && t.inherited[0].From <= offset
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

// resolve: the event is answered, or needs no answer.
func (t *tracker) resolve(e *entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.resolved = true
	t.live--
	t.bytes -= e.size
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
	if t.room != nil {
		close(t.room)
		t.room = nil
	}
}

// begin wants to call for the event, and raises H beyond it. It may if the
// acknowledged H allows that, otherwise after the next commit. That one is wanted
// as soon as half of the lead is used up: at a steady rate it is acknowledged
// before a call needs it.
func (t *tracker) begin(e *entry) (may, wanted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.called = true
	t.reached = max(t.reached, e.offset+1)
	ahead := min(max(t.reached-t.from, t.pace), int64(t.maxEvents))
	t.called = max(t.called, e.offset+1+ahead)
	return e.offset < t.acked, e.offset+ahead/2 >= t.acked
}

// settle: what the event's calls did is known, and it was nothing.
func (t *tracker) settle(e *entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.called = false
}

// tick starts the next interval of the pace. It is called about once a second.
func (t *tracker) tick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pace, t.from = t.reached-t.from, t.reached
	t.ticked = t.clock.Now()
}

// waiting tells how many events are unanswered, and the oldest one's time.
func (t *tracker) waiting() (events int, oldest time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.entries {
		if !e.resolved && (oldest.IsZero() || e.time.Before(oldest)) {
			oldest = e.time
		}
	}
	return t.live, oldest
}

// unanswered tells whether there may be an event without an answer below end.
func (t *tracker) unanswered(end int64) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.live > 0 || t.next < end
}
