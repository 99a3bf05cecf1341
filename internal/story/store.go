package story

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"unicode/utf8"

	"remux-retrier/events"
	"remux-retrier/internal/clock"
)

// Bounds. The consumer's look-ahead bounds the unfinished stories. Of the finished ones
// keepFinished are kept even if the unfinished alone exceed Config.Max. Above maxBytes, by
// an approximate count, finished stories are dropped first, then details.
const (
	defaultMax   = 2_500
	keepFinished = 500
	maxBytes     = 32 << 20
	maxText      = 256 // of one text, in bytes
	keepLatest   = 100 // for each result (Became), for Latest
	keepSpare    = 64
)

// Config of a Store.
type Config struct {
	// Max is how many stories are kept. Defaults to 2,500.
	Max   int
	Clock clock.Clock // required
}

// Store keeps the latest stories of this process. It is safe for concurrent
// use; its lock is held for microseconds.
type Store struct {
	cfg     Config
	version atomic.Uint64

	mu       sync.Mutex
	byTask   map[string][]*Record
	count    int
	bytes    int
	finished []*Record            // oldest first
	latest   map[string][]*Record // by Became, oldest first
	spare    [][]Step             // slices of dropped stories, for new ones
}

// Record is the story of one event in the Store. It is the event's Listener: it adds each
// step to the story.
type Record struct {
	store *Store
	// The store's lock guards these.
	story  Story
	bytes  int
	latest bool // it is among Store.latest
}

// New makes an empty store.
func New(cfg Config) (*Store, error) {
	if cfg.Clock == nil || cfg.Max < 0 {
		return nil, errors.New("story: Clock is required, Max must not be negative")
	}
	if cfg.Max == 0 {
		cfg.Max = defaultMax
	}
	return &Store{cfg: cfg, byTask: map[string][]*Record{}, latest: map[string][]*Record{}}, nil
}

// Begin begins the story of an event. Task finds it by taskID.
func (s *Store) Begin(taskID string, source events.Source, failure events.Failure) *Record {
	failure.ErrorCode, failure.Description, failure.ID = clip(failure.ErrorCode), clip(failure.Description), clip(failure.ID)
	failure.UserData = clip(failure.UserData)
	r := &Record{store: s, story: Story{
		TaskID: clip(taskID), Source: source, EventID: failure.ID, Failure: failure,
	}}
	s.mu.Lock()
	defer s.mu.Unlock()
	if last := len(s.spare) - 1; last >= 0 {
		r.story.Steps, s.spare = s.spare[last], s.spare[:last]
	} else {
		r.story.Steps = make([]Step, 0, usualSteps)
	}
	s.byTask[r.story.TaskID] = append(s.byTask[r.story.TaskID], r)
	s.count++
	r.weigh()
	s.shrink()
	return r
}

// Step adds a step, see Listener.
func (r *Record) Step(step Step) {
	if step.At.IsZero() {
		step.At = r.store.cfg.Clock.Now()
	}
	step = step.clipped()
	s := r.store
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.story.Finished {
		return
	}
	if s.bytes > maxBytes { // although all finished stories were dropped
		step.Detail, step.Error = "", nil
	}
	r.add(step)
	r.weigh()
	if step.Kind.Ends() {
		r.story.Finished = true
		s.finished = append(s.finished, r)
		s.note(r)
		r.story.Number = s.version.Add(1)
	}
	s.shrink()
}

// note keeps a story for Latest. Each end has its own list: a thousand retried events
// must not displace one dead letter.
func (s *Store) note(r *Record) {
	list := append(s.latest[r.story.Became()], r)
	r.latest = true
	if len(list) > keepLatest {
		list[0].latest = false
		list = list[1:]
	}
	s.latest[r.story.Became()] = list
}

// Decided adds the outcome, without what it covers: that is only needed by the ledger.
func (r *Record) Decided(o events.Outcome) {
	o.Covers, o.Error = nil, clippedError(o.Error)
	s := r.store
	s.mu.Lock()
	defer s.mu.Unlock()
	o.Failure = r.story.Failure
	r.story.Outcome = &o
	r.weigh()
}

// shrink drops the stories that finished first.
func (s *Store) shrink() {
	n := 0
	for n < len(s.finished) && (s.bytes > maxBytes || s.count > s.cfg.Max && len(s.finished)-n > keepFinished) {
		r := s.finished[n]
		list := s.byTask[r.story.TaskID]
		i := slices.Index(list, r)
		if list = slices.Delete(list, i, i+1); len(list) == 0 {
			delete(s.byTask, r.story.TaskID)
		} else {
			s.byTask[r.story.TaskID] = list
		}
		s.finished[n] = nil
		s.drop(r)
		s.bytes -= r.bytes
		s.count--
		n++
	}
	s.finished = s.finished[n:] // append frees the empty slots when it grows the slice
}

// drop frees a story's steps, except for the first and the last if Latest needs them.
func (s *Store) drop(r *Record) {
	steps := r.story.Steps
	switch {
	case r.latest && len(steps) > 2:
		r.story.Steps = []Step{steps[0], steps[len(steps)-1]}
	case r.latest:
		return
	default:
		r.story.Steps = nil
	}
	clear(steps)
	if len(s.spare) < keepSpare && cap(steps) <= 2*usualSteps {
		s.spare = append(s.spare, steps[:0])
	}
}

// Task returns copies of the stories of a task's events, oldest first.
func (s *Store) Task(id string) []Story {
	s.mu.Lock()
	defer s.mu.Unlock()
	var stories []Story
	for _, r := range s.byTask[id] {
		stories = append(stories, r.copy())
	}
	return stories
}

// Latest returns the stories that finished last, newest first: the latest hundred of each result.
// They have only the first and the last of their steps.
func (s *Store) Latest() []Story {
	s.mu.Lock()
	var stories []Story
	for _, list := range s.latest {
		for _, r := range list {
			one := r.story
			one.Steps = []Step{one.Steps[0], one.Steps[len(one.Steps)-1]}
			stories = append(stories, one)
		}
	}
	s.mu.Unlock()
	slices.SortStableFunc(stories, func(a, b Story) int { return b.Steps[1].At.Compare(a.Steps[1].At) })
	return stories
}

// Earlier returns the stories that finished before the one with this number, newest
// first, as far as they are kept. Each has only its first and last step.
func (s *Store) Earlier(number uint64) []Story {
	s.mu.Lock()
	defer s.mu.Unlock()
	var stories []Story
	for _, r := range slices.Backward(s.finished) {
		if r.story.Number >= number {
			continue
		}
		one := r.story
		one.Steps = []Step{one.Steps[0], one.Steps[len(one.Steps)-1]}
		stories = append(stories, one)
	}
	return stories
}

// Version changes with each story that finishes, so that callers can see whether Latest has
// changed.
func (s *Store) Version() uint64 { return s.version.Load() }

// copy copies a story. The copies share only what never changes.
func (r *Record) copy() Story {
	c := r.story
	c.Steps = slices.Clone(c.Steps)
	return c
}

// clip shortens a text at a character boundary. The result does not keep the long text in
// memory.
func clip(text string) string {
	if len(text) <= maxText {
		return text
	}
	end := maxText
	for end > 0 && !utf8.RuneStart(text[end]) {
		end--
	}
	return strings.Clone(text[:end]) + "…"
}

func (s Step) clipped() Step {
	s.State, s.Detail, s.Error = clip(s.State), clip(s.Detail), clippedError(s.Error)
	return s
}

func clippedError(e *events.APIError) *events.APIError {
	if e == nil {
		return nil
	}
	return &events.APIError{Status: e.Status, Code: clip(e.Code), Message: clip(e.Message), RequestID: clip(e.RequestID)}
}
