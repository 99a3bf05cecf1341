//go:build browser

package browser

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/history"
	"remux-retrier/internal/metrics"
	"remux-retrier/internal/page"
	"remux-retrier/internal/plain"
	"remux-retrier/internal/story"
)

// warp is a clock that begins an hour ago and lets that hour pass at once, so that the
// plots have data.
type warp struct {
	clock.Clock
	mu  sync.Mutex
	now time.Time // only in that hour
}

func newWarp() *warp { return &warp{Clock: clock.System, now: time.Now().Add(-time.Hour)} }

func (w *warp) Now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.now.Before(time.Now()) {
		return w.now
	}
	return time.Now()
}

func (w *warp) Sleep(ctx context.Context, d time.Duration) error {
	w.mu.Lock()
	w.now = w.now.Add(d)
	late := w.now.Before(time.Now())
	w.mu.Unlock()
	if late {
		return ctx.Err()
	}
	return w.Clock.Sleep(ctx, d)
}

// service is a Source whose state a test sets.
type service struct {
	clock *warp
	start time.Time
	set   func(*page.Status) // the state; nil: busy
	until float64            // the minute since the start with the last event
	few   int                // above 0: only a few answers in the hour
	flood int64              // unreadable records of the last minutes

	mu      sync.Mutex
	stories []story.Story
	topics  map[string][]history.Entry
	owner   string
	away    error // error of the topics: they cannot be read
	asked   int   // how often a task's stories were requested
	read    int   // and its topics
}

func newService(set func(*page.Status)) *service {
	w := newWarp()
	return &service{clock: w, start: w.Now(), set: set, until: math.Inf(1), topics: map[string][]history.Entry{}, owner: "remux-retrier-1"}
}

func at(t time.Time) *time.Time { return &t }

func per(n float64) *float64 { return &n }

// Status is that of a busy service, changed by the test's function.
func (s *service) Status() page.Status {
	now := s.clock.Now()
	sent := int64(now.Sub(s.start).Seconds() * 1.2)
	status := page.Status{
		Instance: "remux-retrier-0", Group: "remux-retrier", Topic: "remux.failed", Version: "v1.4.0", StartedAt: s.start,
		Checks: []page.Check{
			{Name: "brokers", OK: true}, {Name: "group", OK: true, Detail: "generation 7, 4 partitions"},
			{Name: "ledger", OK: true, Detail: "21844 decisions known"}, {Name: "publishing", OK: true},
		},
		Notes: []string{},
		Kafka: page.Kafka{Started: true, Joined: true, Generation: 7, LedgerRead: true},
		MPC:   page.MPC{Available: true, Quota: per(100), Share: per(100), Rate: per(95), Requests: sent},
		Flow:  page.Flow{Lag: 6, LagKnown: true, Unanswered: 6, Held: 6, Waiting: page.Waiting{Quota: 1}, InFlight: 4, OldestAt: &plain.Time{Time: now.Add(-2 * time.Second)}},
	}
	for i := range 4 {
		p := page.Partition{Partition: i, Committed: 21_000 + 17*int64(i), End: 21_000 + 17*int64(i) + int64(i), Unanswered: i}
		p.Next = p.End
		if i > 0 {
			p.OldestAt = &plain.Time{Time: now.Add(-time.Duration(i) * 700 * time.Millisecond)}
		}
		status.Partitions = append(status.Partitions, p)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.set != nil {
		s.set(&status)
	}
	return status
}

// Totals grow with the changing load of a day.
func (s *service) Totals() (metrics.Totals, error) {
	x := min(s.clock.Now().Sub(s.start).Minutes(), s.until)
	n := int64(x*34 + 40*math.Sin(x/7) + 9*math.Sin(x*1.7))
	t := metrics.Totals{Events: []metrics.EventCount{
		{Outcome: "retried", Reason: "accepted", Count: n * 80 / 100}, {Outcome: "retried", Reason: "covered", Count: n * 7 / 100},
		{Outcome: "retried", Reason: "already_running", Count: n / 100}, {Outcome: "retry_failed", Reason: "task_not_found", Count: n * 6 / 100},
		{Outcome: "retry_failed", Reason: "rejected", Count: n * 4 / 100}, {Outcome: "retry_failed", Reason: "budget_exhausted", Count: n * 2 / 100},
		{Outcome: "dead_letter", Reason: "not_json", Count: n * 3 / 100},
	}}
	if s.flood > 0 && s.clock.Now().Sub(s.start) > 58*time.Minute {
		t.Events = append(t.Events, metrics.EventCount{Outcome: "dead_letter", Reason: "no_task_id", Count: s.flood})
	}
	for i, part := range []int64{20, 50, 20, 8, 2} { // in percent
		t.Times = append(t.Times, metrics.Time{Seconds: []float64{.08, .2, .4, .9, 2.2}[i], Count: uint64(max(0, int64(x*34)*part/100))})
	}
	if s.few > 0 {
		t.Times = []metrics.Time{{Seconds: .3, Count: uint64(x / 5)}, {Seconds: 40, Count: uint64(x / 20)}}
	}
	return t, nil
}

func (s *service) Stories(id string) (found []story.Story) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	for _, one := range s.stories {
		if one.TaskID == id {
			found = append(found, one)
		}
	}
	return found
}

func (s *service) Latest() (list []story.Story) {
	of := map[string]int{}
	for _, one := range s.Earlier(math.MaxUint64) {
		if of[one.Became()]++; of[one.Became()] <= 100 {
			list = append(list, one)
		}
	}
	return list
}

func (s *service) Earlier(number uint64) (list []story.Story) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, one := range slices.Backward(s.stories) {
		if one.Finished && one.Number < number {
			list = append(list, one)
		}
	}
	return list
}

func (s *service) Version() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return uint64(len(s.stories))
}

func (s *service) Topics(_ context.Context, id string) (history.History, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.read++; s.away != nil {
		return history.History{}, s.away
	}
	return history.History{TaskID: id, Since: time.Now().Add(-24 * time.Hour), Complete: true, Read: 48_211, Entries: s.topics[id]}, nil
}

func (s *service) Home(context.Context, string) (int, error) { return 6, nil }

func (s *service) Owner(context.Context, int) (string, error) { return s.owner, nil }

func (s *service) Instances(context.Context) ([]page.Instance, error) {
	return []page.Instance{{Instance: "remux-retrier-0", Partitions: []int{0, 1, 2, 3}, Here: true}, {Instance: s.owner, Partitions: []int{6}}}, nil
}

// add adds the story of one more event with these steps.
func (s *service) add(id string, reason events.Reason, apiError *events.APIError, steps ...story.Step) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := len(s.stories)
	began := time.Now().Add(-time.Duration(40-n) * 3 * time.Second)
	one := story.Story{
		TaskID: id, Source: events.Source{Topic: "remux.failed", Partition: n % 4, Offset: 21_000 + int64(n), Time: began.Add(-80 * time.Millisecond)},
		Failure: events.Failure{TaskID: id, ErrorCode: "MPC.10105"},
		Steps:   []story.Step{{At: began, Kind: story.Received}},
	}
	for i, step := range steps {
		step.At = began.Add(time.Duration(i+1) * 90 * time.Millisecond)
		one.Steps = append(one.Steps, step)
	}
	last := one.Steps[len(one.Steps)-1]
	if reason != "" {
		retries := 1
		if reason == events.BudgetExhausted {
			retries = 3
		}
		one.Outcome = &events.Outcome{Reason: reason, Error: apiError, Retries: &retries, Source: one.Source}
		one.Steps = append(one.Steps,
			story.Step{At: last.At.Add(time.Millisecond), Kind: story.Answered, Reason: reason},
			story.Step{At: last.At.Add(7 * time.Millisecond), Kind: story.Published, Detail: "remux." + string(reason.Kind())})
	}
	if one.Finished = one.Steps[len(one.Steps)-1].Kind.Ends(); one.Finished {
		one.Number = uint64(n + 1)
	}
	s.stories = append(s.stories, one)
}

// withAnswers fills the list of answers with a usual mixture.
func (s *service) withAnswers() *service {
	missing := &events.APIError{Status: 400, Code: "MPC.10211", Message: "Task does not exist."}
	refused := &events.APIError{Status: 403, Code: "MPC.10212", Message: "Operation failed."}
	for i := range 36 {
		id := fmt.Sprint(538_500 + i*7)
		call := []story.Step{{Kind: story.QuotaWait, Detail: "2 before it"}, {Kind: story.Call}}
		switch i % 12 {
		case 3:
			s.add(id, events.TaskNotFound, missing, append(call, story.Step{Kind: story.Refused, Error: missing})...)
		case 5:
			s.add(id, events.Covered, nil, story.Step{Kind: story.DuplicateWait})
		case 7:
			s.add(id, events.Rejected, refused, append(call, story.Step{Kind: story.Refused, Error: refused}, story.Step{Kind: story.Query}, story.Step{Kind: story.State, State: "FAILED"})...)
		case 9:
			s.add("", "", nil, story.Step{Kind: story.DeadLetter, Detail: "not_json: the value is no JSON at byte 14"})
		case 11:
			s.add(id, events.BudgetExhausted, nil)
		default:
			s.add(id, events.Accepted, nil, append(call, story.Step{Kind: story.Accepted})...)
		}
	}
	return s
}
