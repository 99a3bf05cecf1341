package sandbox

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// board brings together what is seen of each event: the event itself, what MPC
// saw of its task, and its answer, in whatever order they come. An event is
// settled when it has been seen and answered, or committed without an answer.
//
// mu guards everything below it.
type board struct {
	paper *paper
	names map[kind]string   // the answers' topics, as they are shown
	mpc   *mpcsim.Simulator // set before the first event

	mu     sync.Mutex
	exact  bool          // no faults: the number of calls is known
	blind  bool          // states could not be asked for, at least for a while
	sent   map[int]*sent // announced, and not seen in the topic yet
	cases  map[place]*matter
	ids    map[string]place
	trails map[string]*trail
	sum    sum
	// settled is closed and replaced whenever an event is settled.
	settled chan struct{}
	news    string // the latest request, for those who wait
}

// matter is one event on the board.
type matter struct {
	sent    *sent // nil: somebody else's event
	event   *kgo.Record
	answer  *answer
	settled bool
}

// sum is what the summary tells.
type sum struct {
	seen, settled int
	reasons       map[kind]map[string]int
	calls         int // known to the events that are settled
	repeats       int
	broken        int // complaints
}

func newBoard(p *paper, names map[kind]string, exact bool) *board {
	return &board{
		paper: p, names: names, exact: exact,
		sent: map[int]*sent{}, cases: map[place]*matter{}, ids: map[string]place{}, trails: map[string]*trail{},
		sum: sum{reasons: map[kind]map[string]int{}}, settled: make(chan struct{}),
	}
}

// expect announces an event, before it is published.
func (b *board) expect(s *sent) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sent[s.number] = s
}

// disturb notes that a fault comes into force; blind: one of queries. What the
// service has learnt of it outlasts it, so this is never taken back.
func (b *board) disturb(blind bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.exact = false
	b.blind = b.blind || blind
}

// complain says what is wrong with no event in particular.
func (b *board) complain(format string, args ...any) {
	b.paper.say(red, "✗ "+format, args...)
	b.mu.Lock()
	b.sum.broken++
	b.mu.Unlock()
}

// requested notes a request that MPC is about to answer.
func (b *board) requested(seen mpcsim.Request) {
	now := time.Now()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range seen.TaskIDs {
		task, _ := b.mpc.Task(id)
		t := b.trails[id]
		if t == nil {
			t = &trail{}
			b.trails[id] = t
		}
		t.add(seen, task.Status, now)
		b.news = t.steps[len(t.steps)-1].text
	}
}

// published notes an event as it stands in the topic.
func (b *board) published(r *kgo.Record) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m := b.at(place{r.Partition, r.Offset})
	m.event = r
	b.sum.seen++
	var number int
	mark := headerOf(r, numberHeader)
	if m := messageNumber.FindSubmatch(r.Value); m != nil && mark == "" {
		mark = string(m[1])
	}
	if _, err := fmt.Sscan(mark, &number); err == nil {
		m.sent = b.sent[number]
		delete(b.sent, number)
	}
	b.settle(m)
}

// answered notes an outcome or a dead letter.
func (b *board) answered(a *answer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if of, known := b.ids[a.id]; known {
		b.sum.repeats++ // subscribers drop it, and so do we
		if of != a.of {
			b.mishap("the answers to two events, %v and %v, have the same id %q", of, a.of, a.id)
		}
		return
	}
	b.ids[a.id] = a.of
	m := b.at(a.of)
	if m.answer != nil || m.settled {
		b.mishap("the event at %v was answered again: %s, id %q", a.of, a.reason, a.id)
		return
	}
	m.answer = a
	b.settle(m)
}

func (b *board) mishap(format string, args ...any) {
	b.paper.say(red, "✗ "+format, args...)
	b.sum.broken++
}

// committed notes the partitions' committed offsets: what stands below and is
// not answered never will be. All answers from before the commit must have been
// put on the board.
func (b *board) committed(offsets map[int32]int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for at, m := range b.cases {
		if !m.settled && m.event != nil && at.offset < offsets[at.partition] {
			b.finish(m)
		}
	}
}

func (b *board) at(p place) *matter {
	m := b.cases[p]
	if m == nil {
		m = &matter{}
		b.cases[p] = m
	}
	return m
}

func (b *board) settle(m *matter) {
	if !m.settled && m.event != nil && m.answer != nil {
		b.finish(m)
	}
}

// finish judges the event and writes its line.
func (b *board) finish(m *matter) {
	m.settled = true
	r := row{at: time.Now(), event: "by hand", task: "–", kind: ignored, why: "ignored", where: "(no failure)"}
	if a := m.answer; a != nil {
		r.kind, r.why, r.where = a.kind, a.reason, b.names[a.kind]
		if a.task != "" {
			r.task = a.task
		}
	}
	task := r.task
	if m.sent != nil {
		r.event, task = m.sent.event, m.sent.task
	}
	t := b.trails[task]
	if t == nil {
		t = &trail{}
	}
	delete(b.trails, task)
	r.way = b.way(m, t)
	if m.sent != nil {
		r.complaints = m.sent.complaints(facts{event: m.event, answer: m.answer, calls: t.calls, done: b.mpc.Accepted(task), lost: t.lost, blind: b.blind}, b.exact)
	}
	b.paper.row(r)

	b.sum.settled++
	b.sum.calls += t.calls
	b.sum.broken += len(r.complaints)
	if b.sum.reasons[r.kind] == nil {
		b.sum.reasons[r.kind] = map[string]int{}
	}
	b.sum.reasons[r.kind][r.why]++
	m.event, m.answer, m.sent = nil, nil, nil // an endless stream must not keep them
	close(b.settled)
	b.settled = make(chan struct{})
}

// way tells what happened, for the line.
func (b *board) way(m *matter, t *trail) []string {
	a := m.answer
	switch {
	case a == nil && m.sent != nil && m.sent.want.kind != ignored:
		return []string{"nothing was published"}
	case a == nil:
		return []string{"its status is not FAILED"}
	case a.kind == deadLetter:
		what, _, _ := strings.Cut(a.detail, "; ")
		return []string{what}
	case len(t.steps) == 0:
		return []string{strings.TrimSpace("no call: cannot help with " + a.code)}
	}
	return t.words(m.event.Timestamp)
}

func (b *board) total() sum {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sum
}

// state is how far it has come.
type state struct {
	open    int       // events announced or seen, and not settled
	waiting int       // those of them that have waited for an answer for long
	oldest  time.Time // when the first of them was published
	news    string    // the latest request to MPC
	changed <-chan struct{}
}

func (b *board) state(long time.Duration) state {
	b.mu.Lock()
	defer b.mu.Unlock()
	now := state{open: len(b.sent), news: b.news, changed: b.settled}
	for _, m := range b.cases {
		if m.settled {
			continue
		}
		now.open++
		if m.event == nil || m.sent != nil && m.sent.want.kind == ignored || time.Since(m.event.Timestamp) < long {
			continue
		}
		now.waiting++
		if now.oldest.IsZero() || m.event.Timestamp.Before(now.oldest) {
			now.oldest = m.event.Timestamp
		}
	}
	return now
}
