package consumer

import (
	"context"
	"slices"
	"sync"
	"time"

	"remux-retrier/internal/clock"
)

// tracker tracks the events of one partition in one generation: which are unanswered, which
// may have been called, what may be committed.
//
// It guarantees: position never passes an unanswered event, and names the answered ones above
// its low-water mark. No call begins at or above the call high-water mark of the last
// acknowledged commit.
//
// Order of calls: track for each record, in the order of the offsets. Then for each event, in
// any order and concurrently: beginCall before a call, callHadNoEffect if its result shows
// that, and resolve at the end. Meanwhile position before each commit, and acknowledged after
// it.
//
// Example: events 10 to 14 are tracked, 11 and 13 are resolved. The low-water mark is 10, the
// done ranges are [11,12) and [13,14). When 10 is resolved too, the mark is 12 and the only
// done range [13,14).
//
// mu guards all fields except held, which belongs to the lookAhead. The lookAhead's lock is
// taken after mu.
type tracker struct {
	clock     clock.Clock
	lookAhead *lookAhead
	held      holding

	mu sync.Mutex
	// entries holds the unanswered events, ascending, and some answered ones that were not
	// dropped yet. live counts the unanswered ones.
	entries   []*entry
	live      int
	next      int64 // first offset not processed
	inherited inherited
	lead      lead
}

// inherited is what the last commit before this generation tells.
type inherited struct {
	// done are the answered offsets at or above the tracker's next.
	done []Interval
	// inDoubt: unanswered events below it may have been called.
	inDoubt int64
	// since is a lower bound on the time of answers below end, the partition's end at the
	// generation's start. Zero: unknown.
	since time.Time
	end   int64
}

// entry is one event that this generation has received.
type entry struct {
	offset int64
	size   int
	time   time.Time // of the record
	// tracked is when this generation received it: its answers are not older.
	tracked time.Time
	// called: a call may have had an effect that no answer tells of yet.
	called   bool
	resolved bool
	// bytesOnly: the look-ahead counts its bytes but not the event.
	bytesOnly bool
}

// newTracker starts at the committed low-water mark, with the metadata of that commit. end
// is the partition's end. maxLead bounds, in offsets, how far the call high-water mark may
// run ahead.
func newTracker(c clock.Clock, low int64, m CommitMetadata, end int64, l *lookAhead, maxLead int) *tracker {
	return &tracker{
		clock: c, lookAhead: l, next: low,
		inherited: inherited{done: m.Done, inDoubt: m.Called, since: m.Since, end: end},
		lead:      newLead(max(low, m.Called), m.Called, maxLead, c.Wall()),
	}
}

// track receives a record. It waits while the look-ahead is full. It returns nil for a
// record that is answered already.
func (t *tracker) track(ctx context.Context, r *Record) (*entry, error) {
	size := r.size() + eventBytes
	for {
		retry := t.lookAhead.tryAdd(&t.held, size)
		if retry == nil {
			break
		}
		if err := t.clock.Wait(ctx, retry); err != nil {
			return nil, err
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	done := t.skip(r.Offset)
	t.next = r.Offset + 1
	if done {
		t.lookAhead.release(&t.held, 1, size)
		return nil, nil
	}
	e := &entry{offset: r.Offset, size: size, time: r.Time, tracked: t.clock.Wall(), called: r.Offset < t.inherited.inDoubt}
	t.entries = append(t.entries, e)
	t.live++
	return e, nil
}

// full reports whether a record waits because the look-ahead is full.
func (t *tracker) full() bool { return t.lookAhead.isPaused(&t.held) }

// countBytesOnly stops counting the event, but not its bytes, against the look-ahead: it
// waits for another event of its task.
func (t *tracker) countBytesOnly(e *entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !e.bytesOnly && !e.resolved {
		e.bytesOnly = true
		t.lookAhead.release(&t.held, 1, 0)
	}
}

// skip drops the inherited intervals below offset and reports whether one of them holds it.
func (t *tracker) skip(offset int64) bool {
	done := &t.inherited.done
	for len(*done) > 0 && (*done)[0].To <= offset {
		*done = (*done)[1:]
	}
	return len(*done) > 0 && (*done)[0].From <= offset
}

// advance says that there is nothing more to track below next: a page may end in records
// that were aborted or compacted away.
func (t *tracker) advance(next int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if next > t.next {
		t.next = next
		t.skip(next)
	}
}

// lost counts the unanswered offsets from next on and below first: records that retention
// deleted before they were read.
func (t *tracker) lost(first int64) int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := first - t.next
	for _, i := range t.inherited.done {
		n -= max(0, min(i.To, first)-max(i.From, t.next))
	}
	return max(0, n)
}

// resolve marks the event as answered, and frees its part of the look-ahead.
func (t *tracker) resolve(e *entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.resolved {
		return
	}
	e.resolved = true
	t.live--
	events := 1
	if e.bytesOnly {
		events = 0
	}
	t.lookAhead.release(&t.held, events, e.size)
	for len(t.entries) > 0 && t.entries[0].resolved {
		t.entries = t.entries[1:]
	}
	// One event that waits for days must not keep the memory of all events answered behind
	// it.
	if len(t.entries) > 2*t.live+16 {
		kept := slices.DeleteFunc(t.entries, func(e *entry) bool { return e.resolved })
		t.entries = slices.Clone(kept) // a smaller array
	}
}

// beginCall prepares a call for the event, see lead.raise.
func (t *tracker) beginCall(e *entry) (may, wanted bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.called = true
	return t.lead.raise(e.offset)
}

// callHadNoEffect notes that no call for the event is in doubt.
func (t *tracker) callHadNoEffect(e *entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e.called = false
}

// tick starts the lead's next interval. It is called about once a second.
func (t *tracker) tick() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lead.tick(t.clock.Wall())
}

// acknowledged: a commit with this call high-water mark is stored.
func (t *tracker) acknowledged(called int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lead.acked = called
}

// waiting returns how many events are unanswered and the time of the oldest. A record
// without a time has no age.
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

// reached is the first offset not processed: the log has at least this length.
func (t *tracker) reached() int64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.next
}
