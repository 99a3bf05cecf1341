package sandbox

import (
	"cmp"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// checker collects what is known of each event: the event itself, the requests for
// its task, and its answer, in any order. It compares the answer with the expected
// one. An event is settled when it was read and answered, or committed without an
// answer.
//
// mu guards the fields below it.
type checker struct {
	printer *printer
	names   map[kind]string   // the answers' topics, as printed
	mpc     *mpcsim.Simulator // set before the first event

	mu        sync.Mutex
	exact     bool          // no faults: the number of calls is known
	noQueries bool          // state queries were refused, at least for a while
	unread    map[int]*sent // not read from the topic yet
	events    map[location]*eventState
	ids       map[string]location // the answers' ids, and the events they answer
	requests  map[string]*taskRequests
	totals    totals
	// settled is closed and replaced each time an event is settled.
	settled     chan struct{}
	lastRequest string // the latest request and its result, in words
	// successes are events whose task has been retried, so that its success can be
	// published.
	successes chan *sent
}

// eventState is what the checker knows of one event.
type eventState struct {
	sent    *sent // nil: another producer's event
	event   *kgo.Record
	answer  *answer
	settled bool
}

// totals are the numbers of the summary.
type totals struct {
	seen, settled int
	reasons       map[kind]map[string]int
	calls         int // retry calls for the tasks of settled events
	repeats       int // answers with the id of an earlier one
	problems      int // also those that concern no single event
}

// maxSuccesses bounds the tasks that wait for their success; further ones do not succeed.
const maxSuccesses = 100

func newChecker(p *printer, names map[kind]string, exact bool) *checker {
	return &checker{
		printer: p, names: names, exact: exact,
		unread: map[int]*sent{}, events: map[location]*eventState{}, ids: map[string]location{}, requests: map[string]*taskRequests{},
		totals: totals{reasons: map[kind]map[string]int{}}, settled: make(chan struct{}), successes: make(chan *sent, maxSuccesses),
	}
}

// expect adds an event before it is published.
func (c *checker) expect(s *sent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.unread[s.number] = s
}

// faultBegins notes the beginning of a fault; noQueries: it refuses state queries. Its
// effect on the service may outlast it, so this is never undone.
func (c *checker) faultBegins(noQueries bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.exact = false
	c.noQueries = c.noQueries || noQueries
}

// problem prints and counts a problem that concerns no single event.
func (c *checker) problem(format string, args ...any) {
	c.printer.print(red, "✗ "+format, args...)
	c.mu.Lock()
	c.totals.problems++
	c.mu.Unlock()
}

// addRequest adds a request that MPC is about to answer.
func (c *checker) addRequest(seen mpcsim.Request) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, id := range seen.TaskIDs {
		task, _ := c.mpc.Task(id)
		t := c.requests[id]
		if t == nil {
			t = &taskRequests{}
			c.requests[id] = t
		}
		t.add(seen, task.Status, now)
		c.lastRequest = t.steps[len(t.steps)-1].text
	}
}

// addEvent adds an event that was read from the topic.
func (c *checker) addEvent(r *kgo.Record) {
	c.mu.Lock()
	defer c.mu.Unlock()
	m := c.at(location{r.Partition, r.Offset})
	m.event = r
	c.totals.seen++
	var number int
	text := headerOf(r, numberHeader)
	if found := messageNumber.FindSubmatch(r.Value); found != nil && text == "" {
		text = string(found[1])
	}
	if _, err := fmt.Sscan(text, &number); err == nil {
		m.sent = c.unread[number]
		delete(c.unread, number)
	}
	c.settle(m)
}

// addAnswer adds an outcome or a dead letter.
func (c *checker) addAnswer(a *answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if before, known := c.ids[a.id]; known {
		c.totals.repeats++ // dropped, as subscribers do
		if before != a.event {
			c.problemLocked("the answers to two events, %v and %v, have the same id %q", before, a.event, a.id)
		}
		return
	}
	c.ids[a.id] = a.event
	m := c.at(a.event)
	if m.answer != nil || m.settled {
		c.problemLocked("the event at %v was answered again: %s, id %q", a.event, a.reason, a.id)
		return
	}
	m.answer = a
	c.settle(m)
}

func (c *checker) problemLocked(format string, args ...any) {
	c.printer.print(red, "✗ "+format, args...)
	c.totals.problems++
}

// setCommitted settles the events below the committed offsets: those without an
// answer will get none. All answers from before the commit must have been added.
func (c *checker) setCommitted(offsets map[int32]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for at, m := range c.events {
		if !m.settled && m.event != nil && at.offset < offsets[at.partition] {
			c.finish(m)
		}
	}
}

func (c *checker) at(p location) *eventState {
	m := c.events[p]
	if m == nil {
		m = &eventState{}
		c.events[p] = m
	}
	return m
}

func (c *checker) settle(m *eventState) {
	if !m.settled && m.event != nil && m.answer != nil {
		c.finish(m)
	}
}

// finish checks the event and prints its line.
func (c *checker) finish(m *eventState) {
	m.settled = true
	r := row{at: time.Now(), event: "by hand", task: "–", kind: ignored, reason: "ignored", topic: "(no failure)"}
	if a := m.answer; a != nil {
		r.kind, r.reason, r.topic = a.kind, a.reason, c.names[a.kind]
		if a.task != "" {
			r.task = a.task
		}
	}
	task := r.task
	if m.sent != nil {
		r.event, task = m.sent.event, m.sent.task
	}
	t := c.requests[task]
	if t == nil {
		t = &taskRequests{}
	}
	delete(c.requests, task)
	r.happened = c.whatHappened(m, t)
	if m.sent != nil {
		r.problems = m.sent.problems(facts{event: m.event, answer: m.answer, calls: t.calls, done: c.mpc.Accepted(task), lost: t.lost, noQueries: c.noQueries}, c.exact)
	}
	c.printer.printRow(r)
	c.succeed(m)

	c.totals.settled++
	c.totals.calls += t.calls
	c.totals.problems += len(r.problems)
	if c.totals.reasons[r.kind] == nil {
		c.totals.reasons[r.kind] = map[string]int{}
	}
	c.totals.reasons[r.kind][r.reason]++
	m.event, m.answer, m.sent = nil, nil, nil // saves memory in an endless stream
	close(c.settled)
	c.settled = make(chan struct{})
}

// succeed queues an event's success, if its example wants one and the task was retried.
func (c *checker) succeed(m *eventState) {
	if m.sent == nil || !m.sent.succeeds || m.answer == nil || m.answer.kind != retried {
		return
	}
	next := m.sent.success()
	select {
	case c.successes <- next:
		c.unread[next.number] = next
	default:
	}
}

// whatHappened returns the event's steps, for its line.
func (c *checker) whatHappened(m *eventState, t *taskRequests) []string {
	a := m.answer
	switch {
	case a == nil && m.sent != nil && m.sent.want.kind != ignored:
		return []string{"nothing was published"}
	case a == nil:
		return []string{"its status is not FAILED"}
	case a.kind == deadLetter:
		what, _, _ := strings.Cut(a.detail, "; ")
		return []string{what}
	case a.kind == recovered:
		return []string{a.detail}
	case len(t.steps) == 0 && a.reason == "not_retryable":
		return []string{"no call: it cannot help with " + cmp.Or(a.code, "this failure")}
	case len(t.steps) == 0:
		return []string{"no call"}
	}
	return t.describe(m.event.Timestamp)
}

func (c *checker) total() totals {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.totals
}

// progress counts the events that are not settled.
type progress struct {
	open        int       // events expected or read, and not settled
	waiting     int       // open events that have waited longer than the threshold
	oldest      time.Time // when the first waiting event was published
	lastRequest string    // the latest request to MPC
	changed     <-chan struct{}
}

func (c *checker) progress(threshold time.Duration) progress {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := progress{open: len(c.unread), lastRequest: c.lastRequest, changed: c.settled}
	for _, m := range c.events {
		if m.settled {
			continue
		}
		now.open++
		if m.event == nil || m.sent != nil && m.sent.want.kind == ignored || time.Since(m.event.Timestamp) < threshold {
			continue
		}
		now.waiting++
		if now.oldest.IsZero() || m.event.Timestamp.Before(now.oldest) {
			now.oldest = m.event.Timestamp
		}
	}
	return now
}
