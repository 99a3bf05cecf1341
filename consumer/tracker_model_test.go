package consumer

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"remux-retrier/internal/clock"
)

// handClock shows the time it is set to.
type handClock struct {
	clock.Clock
	now time.Time
}

func (c *handClock) Now() time.Time  { return c.now }
func (c *handClock) Wall() time.Time { return c.now }

// model is what a tracker must know, kept naively in sets of offsets. It outlives
// generations: a clean handover keeps everything, a crash only what was committed.
type model struct {
	t        *testing.T
	r        *rand.Rand
	log      []int64 // the offsets that exist, with gaps
	answered map[int64]bool
	// unknown are the events whose calls started and have no known result.
	unknown map[int64]bool
	// published is when an event was first answered, whether or not a commit tells of it.
	published map[int64]time.Time
	clock     *handClock
	end       int64 // the log holds the offsets below it so far

	// Of the current generation:
	tracker  *tracker
	doubtful int64 // the inherited call high-water mark
	doubted  map[int64]bool
	live     map[int64]*entry
	next     int64 // fetched so far
	low      int64 // of the last position
	opened   int64 // the end at its start
	since    time.Time
	acked    struct {
		low      int64
		metadata CommitMetadata
	}
}

func newModel(t *testing.T, seed uint64) *model {
	m := &model{t: t, r: rand.New(rand.NewPCG(seed, 0)), answered: map[int64]bool{}, unknown: map[int64]bool{}, published: map[int64]time.Time{}}
	m.clock, m.end = &handClock{now: time.UnixMilli(1e12)}, 20
	for at := m.r.Int64N(5); len(m.log) < 120; at += 1 + max(0, m.r.Int64N(8)-5) {
		m.log = append(m.log, at)
	}
	m.begin(0, CommitMetadata{})
	return m
}

// begin starts a generation from a committed position.
func (m *model) begin(low int64, metadata CommitMetadata) {
	m.tracker = bounded(m.clock, low, metadata, m.end, 1000, 1<<20)
	m.doubtful, m.next, m.low = metadata.Called, low, low
	m.opened, m.since = m.end, metadata.Since
	m.doubted, m.live = map[int64]bool{}, map[int64]*entry{}
	m.acked.low, m.acked.metadata = low, metadata
}

func (m *model) fetch() {
	i, _ := slices.BinarySearch(m.log, m.next)
	if i == len(m.log) || m.log[i] >= m.end {
		return
	}
	at := m.log[i]
	e, err := m.tracker.track(m.t.Context(), &Record{Offset: at})
	if err != nil {
		m.t.Fatal(err)
	}
	if (e == nil) != m.answered[at] {
		m.t.Fatalf("offset %d: answered is %v, handed out is %v", at, m.answered[at], e != nil)
	}
	m.next = at + 1
	if e != nil {
		m.live[at], m.doubted[at] = e, at < m.doubtful
	}
}

// passGap advances over offsets without a record, as the end of a page does.
func (m *model) passGap() {
	i, _ := slices.BinarySearch(m.log, m.next)
	if i < len(m.log) && m.log[i] > m.next && m.log[i] < m.end {
		m.next += 1 + m.r.Int64N(m.log[i]-m.next)
		m.tracker.advance(m.next)
	}
}

// any picks one of the events in progress.
func (m *model) any() (int64, *entry) {
	if len(m.live) == 0 {
		return 0, nil
	}
	at := slices.Sorted(maps.Keys(m.live))[m.r.IntN(len(m.live))]
	return at, m.live[at]
}

func (m *model) call() {
	if at, e := m.any(); e != nil {
		began, _ := m.tracker.beginCall(e)
		m.doubted[at] = true
		if began && at >= m.acked.metadata.Called {
			m.t.Fatalf("the call for %d began, though called=%d is all that is committed", at, m.acked.metadata.Called)
		}
		if began {
			m.unknown[at] = true
		}
	}
}

func (m *model) settle() {
	if at, e := m.any(); e != nil {
		m.tracker.callHadNoEffect(e)
		delete(m.unknown, at)
		m.doubted[at] = false
	}
}

func (m *model) resolve() {
	if at, e := m.any(); e != nil {
		m.tracker.resolve(e)
		delete(m.live, at)
		delete(m.unknown, at)
		m.answered[at] = true
		if m.published[at].IsZero() {
			m.published[at] = m.clock.now
		}
	}
}

// position gets a position and compares it with the sets.
func (m *model) position(last bool) (int64, CommitMetadata) {
	low, metadata := m.tracker.position(last)
	if low < m.low {
		m.t.Fatalf("the low-water mark went back from %d to %d", m.low, low)
	}
	m.low = low
	at := low
	for _, i := range metadata.Done {
		if i.From <= at || i.To <= i.From {
			m.t.Fatalf("intervals overlap or touch: %d %+v", low, metadata.Done)
		}
		at = i.To
	}
	for _, at := range m.log {
		if said := covers(low, metadata.Done, at); said != m.answered[at] {
			m.t.Fatalf("offset %d: answered is %v, the commit at %d says %v: %+v", at, m.answered[at], low, said, metadata.Done)
		}
	}
	m.checkSince(low, metadata.Since)
	clean := m.next >= m.doubtful
	for at := range m.live {
		clean = clean && !m.doubted[at]
	}
	if last && clean != (metadata.Called == 0) {
		m.t.Fatalf("clean is %v, the last commit says called=%d", clean, metadata.Called)
	}
	if !last && metadata.Called < m.acked.metadata.Called {
		m.t.Fatalf("the call high-water mark went back from %d to %d while calls may begin", m.acked.metadata.Called, metadata.Called)
	}
	return low, metadata
}

// checkSince: the lower bound on the time of answers above low must be true, and must be
// given wherever it can be known.
func (m *model) checkSince(low int64, since time.Time) {
	for at, when := range m.published {
		if at >= low && when.Before(since) {
			m.t.Fatalf("%d was answered at %v; the commit at %d says that nothing was before %v", at, when, low, since)
		}
	}
	if known := low >= m.opened || !m.since.IsZero(); known == since.IsZero() {
		m.t.Fatalf("at %d, opened at %d with %v: since %v", low, m.opened, m.since, since)
	}
}

func covers(low int64, done []Interval, at int64) bool {
	return at < low || slices.ContainsFunc(done, func(i Interval) bool { return i.From <= at && at < i.To })
}

func (m *model) commit(last bool) {
	low, metadata := m.position(last)
	m.tracker.acknowledged(metadata.Called)
	m.acked.low, m.acked.metadata = low, metadata
}

// handOver starts a new generation, after a last commit or a crash.
func (m *model) handOver(crash bool) {
	if !crash {
		m.commit(true)
	}
	low := m.acked.low
	metadata, err := ParseCommitMetadata(m.acked.metadata.Encode(low), low)
	if err != nil {
		m.t.Fatal(err)
	}
	for at := range m.answered {
		if !covers(low, metadata.Done, at) {
			delete(m.answered, at)
		}
	}
	for at := range m.unknown {
		if at >= metadata.Called {
			m.t.Fatalf("what a call for %d did is unknown, and the next owner would not know that: %+v", at, metadata)
		}
	}
	m.begin(low, metadata)
}

func TestTrackerAgreesWithSetsOfOffsets(t *testing.T) {
	for seed := range uint64(400) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			m := newModel(t, seed)
			for range 600 {
				m.clock.now = m.clock.now.Add(time.Duration(m.r.IntN(2_000_000)))
				m.end += max(0, m.r.Int64N(6)-4)
				switch n := m.r.IntN(100); {
				case n < 30:
					m.fetch()
				case n < 35:
					m.passGap()
				case n < 55:
					m.call()
				case n < 62:
					m.settle()
				case n < 80:
					m.resolve()
				case n < 82:
					m.tracker.tick()
				case n < 85:
					m.position(m.r.IntN(2) == 0)
				case n < 97:
					m.commit(false)
				default:
					m.handOver(m.r.IntN(2) == 0)
				}
			}
		})
	}
}
