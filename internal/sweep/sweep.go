// Package sweep finds failed tasks of MPC's that no failure event has told of, and has
// an event published for each.
//
// Its memory is the topics: what it has published stands in the failed topic with the
// task's end time, so that a run after an interruption, or the next one, repeats nothing.
// It retries no task: the service does, when it reads the event. Only package command
// imports it.
//
//	sweep.go  the run
//	list.go   MPC's failed tasks, page by page
//	judge.go  which of them are known
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

// API is what listing asks of MPC.
type API interface {
	List(context.Context, mpcclient.ListQuery) (mpcclient.TaskPage, error)
}

// Config of a Sweep. All fields but Until, Dry, Limit, Rate and Interval are required.
type Config struct {
	API API
	// Known tells what the topics say of these tasks since a time.
	Known func(ctx context.Context, since time.Time, ids map[string]bool) (map[string]*outcomes.Task, error)
	// Publish writes a failure event, acknowledged by all in-sync replicas, and says where
	// it stands.
	Publish func(context.Context, events.Message) (place string, err error)
	// Since and Until bound when the tasks have failed, by MPC's clock. Until zero: now.
	Since, Until time.Time
	// Dry publishes nothing.
	Dry bool
	// Limit ends the run after so many events; 0: none.
	Limit int
	// Rate is how many events are published a second at most; 0: as many as it can.
	Rate float64
	// Interval is the time from one request to MPC to the next.
	Interval time.Duration

	Clock clock.Clock
	Rand  func() float64
	// Tell is told what happens, from one goroutine.
	Tell Listener
}

// Listener is told what happens.
type Listener interface {
	// Listed: MPC has named so many tasks, of about how many.
	Listed(n, of int)
	// Published: an event of the task was published there; empty: it would be, in a dry run.
	Published(t mpcclient.ListedTask, place string)
	// Left: nothing is published about the task, and why.
	Left(taskID, why string)
	// Progress: the totals have changed.
	Progress(Totals)
	// Trouble: MPC does not answer as it should, and is asked again.
	Trouble(text string)
}

// Totals are the counts of one run.
type Totals struct {
	// Listed tasks have failed in the range; Done of them are dealt with.
	Listed, Done int
	// Published events; Known failures, which the topics tell of already; Left for a reason.
	Published, Known, Left int
	// Requests to MPC, failed ones among them.
	Requests int
	// Changed: the list became shorter while it was read, so that tasks may have been passed
	// over.
	Changed bool
	// LimitReached: Limit has ended the run.
	LimitReached bool
}

// margin is by how much clocks may differ: MPC's, the service's, the producers' and this
// machine's.
const margin = time.Minute

// publishWithin bounds the writing of one event. An interruption does not cut it short.
const publishWithin = 30 * time.Second

// Sweep is one run.
type Sweep struct {
	cfg    Config
	totals Totals
	began  time.Time // by the wall clock
	next   time.Time // of a request to MPC
}

// New makes a Sweep.
func New(cfg Config) (*Sweep, error) {
	switch {
	case cfg.API == nil || cfg.Known == nil || cfg.Publish == nil || cfg.Clock == nil || cfg.Rand == nil || cfg.Tell == nil || cfg.Since.IsZero():
		return nil, errors.New("sweep: API, Known, Publish, Since, Clock, Rand and Tell are required")
	case cfg.Limit < 0 || cfg.Rate < 0 || cfg.Interval < 0:
		return nil, errors.New("sweep: Limit, Rate and Interval must not be negative")
	}
	return &Sweep{cfg: cfg}, nil
}

// Run lists the failed tasks, then reads what the topics know of them, then publishes the
// rest, the longest failed first. With an error the totals tell how far it came.
func (s *Sweep) Run(ctx context.Context) (Totals, error) {
	s.began = s.cfg.Clock.Wall()
	failed, err := s.list(ctx)
	if err != nil || len(failed) == 0 {
		return s.totals, err
	}
	s.totals.Listed = len(failed)
	ids := make(map[string]bool, len(failed))
	for id := range failed {
		ids[id] = true
	}
	known, err := s.cfg.Known(ctx, s.told(failed), ids)
	if err != nil {
		return s.totals, err
	}
	for _, t := range oldest(failed) {
		if err := s.task(ctx, t, known[t.ID]); err != nil {
			return s.totals, err
		}
		if s.totals.LimitReached {
			break
		}
	}
	return s.totals, nil
}

// told is since when the topics may tell of these failures. A task whose end MPC does not
// date may have failed at any time since the beginning of MPC's list.
func (s *Sweep) told(failed map[string]mpcclient.ListedTask) time.Time {
	for _, t := range failed {
		if t.EndTime.IsZero() {
			return s.cfg.Since.Add(-lead - 2*margin)
		}
	}
	return s.cfg.Since.Add(-2 * margin)
}

// oldest are the tasks, the longest failed first.
func oldest(failed map[string]mpcclient.ListedTask) []mpcclient.ListedTask {
	all := make([]mpcclient.ListedTask, 0, len(failed))
	for _, t := range failed {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b mpcclient.ListedTask) int {
		return cmp.Or(a.EndTime.Compare(b.EndTime), cmp.Compare(a.ID, b.ID))
	})
	return all
}

// task publishes an event about a failed task, if none has told of it.
func (s *Sweep) task(ctx context.Context, t mpcclient.ListedTask, known *outcomes.Task) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	defer func() { s.cfg.Tell.Progress(s.totals) }()
	if isKnown(t, known, s.began) {
		s.totals.Known++
		s.totals.Done++
		return nil
	}
	m, err := events.Report{TaskID: t.ID, ErrorCode: t.ErrorCode, Description: t.Description, UserData: t.UserData, EndTime: t.EndTime}.Message()
	if err != nil {
		s.totals.Left++
		s.totals.Done++
		s.cfg.Tell.Left(t.ID, err.Error())
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
	s.cfg.Tell.Published(t, place)
	return nil
}

// publish keeps to the rate.
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
