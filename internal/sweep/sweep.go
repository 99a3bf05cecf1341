// Package sweep finds failures of MPC's tasks that have no failure event, and publishes an
// event for each.
//
// Its only state is the topics: an event that it has published is in the failed topic with
// the task's end time. So an interrupted run, started again, repeats nothing, and neither
// does the next run. It retries no task: the service does, when it reads the event. Only
// package command imports it.
//
//	sweep.go  the run
//	list.go   lists MPC's failed tasks, page by page
//	judge.go  which failures are known
package sweep

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/outcomes"
	"remux-retrier/mpcclient"
)

// API is the part of MPC's API that a Sweep needs.
type API interface {
	List(context.Context, mpcclient.ListQuery) (mpcclient.TaskPage, error)
}

// Config of a Sweep. All fields but Until, Dry, Limit, Rate and Interval are required.
type Config struct {
	API API
	// Known returns what the topics contain about these tasks since a time.
	Known func(ctx context.Context, since time.Time, ids map[string]bool) (map[string]*outcomes.Task, error)
	// Publish writes a failure event and returns where it is, in words, when all in-sync
	// replicas have it.
	Publish func(context.Context, events.Message) (place string, err error)
	// Since and Until are the range of the failures' times, by MPC's clock. Until zero: now.
	Since, Until time.Time
	// Dry publishes nothing.
	Dry bool
	// Limit is how many events one run publishes at most; 0: no limit.
	Limit int
	// Rate is how many events are published per second at most; 0: no limit.
	Rate float64
	// Interval is the least time between two requests to MPC; 0: none.
	Interval time.Duration

	Clock clock.Clock
	Rand  func() float64
	// Listener is called from one goroutine.
	Listener Listener
}

// Listener is called during a run.
type Listener interface {
	// Listed: MPC has listed n tasks so far, of about total.
	Listed(n, total int)
	// Published: an event of the task was published at place, which is empty in a dry run.
	Published(t mpcclient.ListedTask, place string)
	// Skipped: no event is published for the task, and why. taskID is empty if it has none.
	Skipped(taskID, why string)
	// Progress: the totals have changed.
	Progress(Totals)
	// Trouble: a request to MPC failed, and is repeated.
	Trouble(text string)
}

// Totals are the counts of one run.
type Totals struct {
	// InRange counts the tasks that failed in the range, Done those that are dealt with.
	InRange, Done int
	// Published counts events (in a dry run those that it would publish), Known the failures
	// that the topics know already, Skipped the tasks and entries of the list that get no
	// event for another reason.
	Published, Known, Skipped int
	// Requests counts the requests to MPC, including failed ones.
	Requests int
	// Changed: the list became shorter while it was read, so some tasks may be missing.
	Changed bool
	// LimitReached: Limit has ended the run.
	LimitReached bool
}

// margin is how much clocks may differ: those of MPC, the service, the producers and this
// machine.
const margin = time.Minute

// publishWithin bounds the writing of one event. An interrupt does not end it sooner.
const publishWithin = 30 * time.Second

// Sweep is one run.
type Sweep struct {
	cfg    Config
	totals Totals
	began  time.Time // by the wall clock
	next   time.Time // of the next request to MPC
}

// New makes a Sweep.
func New(cfg Config) (*Sweep, error) {
	switch {
	case cfg.API == nil || cfg.Known == nil || cfg.Publish == nil || cfg.Clock == nil || cfg.Rand == nil || cfg.Listener == nil || cfg.Since.IsZero():
		return nil, errors.New("sweep: API, Known, Publish, Since, Clock, Rand and Listener are required")
	case cfg.Limit < 0 || cfg.Rate < 0 || cfg.Interval < 0:
		return nil, errors.New("sweep: Limit, Rate and Interval must not be negative")
	}
	return &Sweep{cfg: cfg}, nil
}

// Run lists the failed tasks, then reads what the topics know about them, then publishes
// events for the others, the oldest failure first. The totals are valid also with an error.
func (s *Sweep) Run(ctx context.Context) (Totals, error) {
	s.began = s.cfg.Clock.Wall()
	failed, err := s.list(ctx)
	if err != nil || len(failed) == 0 {
		return s.totals, err
	}
	s.totals.InRange = len(failed)
	ids := make(map[string]bool, len(failed))
	for id := range failed {
		ids[id] = true
	}
	known, err := s.cfg.Known(ctx, s.knownSince(failed), ids)
	if err != nil {
		return s.totals, err
	}
	for _, t := range byAge(failed) {
		if err := s.task(ctx, t, known[t.ID]); err != nil {
			return s.totals, err
		}
		if s.totals.LimitReached {
			break
		}
	}
	return s.totals, nil
}

// knownSince is the time from which the topics are read. A task without an end time may
// have failed at any time since the beginning of MPC's list. The margin counts twice:
// isKnown uses outcomes up to a margin before the failure, and the clock that dated their
// records differs by another one.
func (s *Sweep) knownSince(failed map[string]mpcclient.ListedTask) time.Time {
	for _, t := range failed {
		if t.EndTime.IsZero() {
			return s.cfg.Since.Add(-lead - 2*margin)
		}
	}
	return s.cfg.Since.Add(-2 * margin)
}

// byAge returns the tasks, the oldest failure first.
func byAge(failed map[string]mpcclient.ListedTask) []mpcclient.ListedTask {
	all := make([]mpcclient.ListedTask, 0, len(failed))
	for _, t := range failed {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b mpcclient.ListedTask) int {
		return cmp.Or(a.EndTime.Compare(b.EndTime), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// task publishes an event for a failed task, unless its failure is known.
func (s *Sweep) task(ctx context.Context, t mpcclient.ListedTask, known *outcomes.Task) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	defer func() { s.cfg.Listener.Progress(s.totals) }()
	if isKnown(t, known, s.began) {
		s.totals.Known++
		s.totals.Done++
		return nil
	}
	m, err := events.Report{TaskID: t.ID, ErrorCode: t.ErrorCode, Description: t.Description, UserData: t.UserData, EndTime: t.EndTime}.Message()
	if err != nil {
		s.totals.Skipped++
		s.totals.Done++
		s.cfg.Listener.Skipped(t.ID, err.Error())
		return nil
	}
	place := ""
	if !s.cfg.Dry {
		if place, err = s.publish(ctx, m); err != nil {
			return err
		}
	}
	s.totals.Published++
	s.totals.Done++
	s.totals.LimitReached = s.totals.Published == s.cfg.Limit
	s.cfg.Listener.Published(t, place)
	return nil
}

// publish publishes one event, at the configured rate.
func (s *Sweep) publish(ctx context.Context, m events.Message) (place string, err error) {
	if s.cfg.Rate > 0 && s.totals.Published > 0 {
		if err := s.cfg.Clock.Sleep(ctx, time.Duration(float64(time.Second)/s.cfg.Rate)); err != nil {
			return "", err
		}
	}
	lasting, cancel := clock.WithTimeout(context.WithoutCancel(ctx), s.cfg.Clock, publishWithin)
	defer cancel()
	return s.cfg.Publish(lasting, m)
}
