package retrier

import (
	"context"
	"errors"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/notice"
	"remux-retrier/internal/pace"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// API is what the decision needs from MPC. Calls end by themselves within the configured
// time; a cancelled context may end them sooner. Errors are *mpcclient.Error.
type API interface {
	Retry(ctx context.Context, taskID string) error
	Query(ctx context.Context, taskIDs []string) (map[string]mpcclient.Task, error)
}

// Lease connects an event to the partition it came from and to its answer. All unanswered
// events have leases of the same generation.
type Lease interface {
	// Context ends when no new work may begin.
	Context() context.Context
	// Owned ends when no answer can be published any more, some time after Context.
	Owned() context.Context
	// GenerationStart is when the generation began.
	GenerationStart() time.Time
	// InDoubt: an earlier owner may have called for the event.
	InDoubt() bool
	// End is the known end of the event's partition, at least one above the event. logID
	// identifies the partition's log.
	End() (end, logID int64)
	// FirstObserved is the number at which the event was first known to be in its log.
	// LastObservation is the latest number: events with a number up to it came before a
	// call that is made now.
	FirstObserved() uint64
	LastObservation() uint64
	// Writable reports whether an answer would be published soon.
	Writable() bool
	// Go runs f in a goroutine that the end of the generation waits for.
	Go(f func())
	// Do runs f, which works on the event. A panic in f does not end the process.
	Do(f func())
	// BeforeCall waits until a next owner would know of a call. From then on the event
	// counts as called, until CallHadNoEffect.
	BeforeCall(ctx context.Context) error
	// MayCall reports whether the partition is ours right now.
	MayCall() bool
	// CallHadNoEffect says that the result of the event's calls is known, and none had an
	// effect.
	CallHadNoEffect()
	// Answer publishes the event's outcome, and owns it from then on. It does not wait:
	// acknowledged is called once, when the outcome has been published or given up. If it
	// returns a function, that writes the outcome and must be run without delay, in a
	// goroutine started by Go.
	Answer(o *events.Outcome, acknowledged func()) (write func())
	// Succeeded ends an event that reports its task's success, once all events of the
	// task that came before it are answered. It does not wait.
	Succeeded(f *events.Failure)
	// GiveUp ends the event without an answer: its next owner gets it.
	GiveUp(why error)
}

// Ledger knows what the whole group has decided about tasks.
type Ledger interface {
	// Covering returns the decision whose call, or state query, also answers the event,
	// because the event was in the log by then. The event's own decision that was never
	// published comes first: nothing may replace it, or its retry would be forgotten. Then
	// one that CountsAsRetry with a call of its own, then the latest. The outcome has only
	// Reason, Attempts, AcceptedRetry, Source, Covers and DecidedAt.
	Covering(taskID string, event events.Source) (o events.Outcome, ok bool)
	// Retries returns the task's accepted retries within the budget's window.
	Retries(taskID string) int
	// RetryBefore finds the latest of these that was sent before the event came.
	RetryBefore(taskID string, event events.Source) (p events.Retry, ok bool)
	// Decided notes a decision of ours, before it is published and before another event of
	// the task is decided. A repeated call changes nothing.
	Decided(o events.Outcome)
}

// Event is one failure event to answer. One with Failure.Succeeded set reports a success: it
// needs no answer, and only waits for its task's events before it.
type Event struct {
	Failure  events.Failure
	Source   events.Source
	Lease    Lease
	Listener story.Listener // receives the event's steps; may be nil
}

// Config configures a Retrier. All fields except Budget, MaxAge and SkipCodes are required.
type Config struct {
	API    API
	Gate   *pace.Gate
	Ledger Ledger
	// Budget is how many accepted retries a task gets within the ledger's window; 0:
	// unlimited.
	Budget int
	// MaxInFlight is the gate's. Twice as many events may be called and unacknowledged.
	MaxInFlight int
	// MaxAttempts is how many calls for one event may fail while the API serves others.
	MaxAttempts int
	// MaxAge is the age above which a new event is answered Expired; 0: unlimited. An event
	// that waits here does not expire.
	MaxAge time.Duration
	// SkipCodes are failure codes for which a retry cannot help.
	SkipCodes []string
	// Settle is how long after a lost answer a FAILED state is not trusted: MPC may still
	// be processing the call.
	Settle time.Duration
	// Origin is the ce_source of the outcomes.
	Origin string
	Clock  clock.Clock
	// Rand returns a number in [0, 1), for the jitter of backoffs.
	Rand   func() float64
	Logger logrus.FieldLogger
	// Tally bounds the log lines about tasks whose first call failed.
	Tally *notice.Tally
}

// Retrier answers failure events while Run is running.
type Retrier struct {
	cfg      Config
	skip     map[string]bool
	status   *statusBatcher
	cause    *cause
	recent   recent
	schedule schedule
}

// New returns a Retrier.
func New(cfg Config) (*Retrier, error) {
	if cfg.API == nil || cfg.Gate == nil || cfg.Ledger == nil || cfg.Clock == nil || cfg.Rand == nil || cfg.Logger == nil || cfg.Tally == nil {
		return nil, errors.New("retrier: API, Gate, Ledger, Clock, Rand, Logger and Tally are required")
	}
	if cfg.MaxInFlight <= 0 || cfg.MaxAttempts <= 0 || cfg.Settle <= 0 || cfg.Budget < 0 {
		return nil, errors.New("retrier: MaxInFlight, MaxAttempts and Settle are required, Budget must not be negative")
	}
	cause := &cause{gate: cfg.Gate, log: cfg.Logger, logged: map[string]bool{}}
	r := &Retrier{
		cfg: cfg, skip: map[string]bool{}, cause: cause, status: newStatusBatcher(cfg, cause), recent: newRecent(),
		schedule: newSchedule(cfg.Clock, cfg.MaxInFlight),
	}
	r.schedule.work, r.schedule.acknowledge = r.work, r.schedule.acknowledged
	for _, code := range cfg.SkipCodes {
		r.skip[code] = true
	}
	return r, nil
}

// Advice is what an operator must do so that MPC serves again, or so that states can be
// queried; empty: nothing.
func (r *Retrier) Advice() string {
	r.cause.mu.Lock()
	advice := r.cause.advice
	r.cause.mu.Unlock()
	switch {
	case !r.cfg.Gate.State().Available && advice != "":
		return advice
	case r.status.forbidden.Text() != "":
		return r.status.forbidden.Text()
	}
	return r.status.trouble.Text()
}

// Run wakes tasks whose time has come and sends state queries, until the context is done.
// It must outlive the last event.
func (r *Retrier) Run(ctx context.Context) {
	var timer clock.Group
	timer.Go(r.cfg.Clock, func() { r.schedule.run(ctx) })
	r.status.run(ctx)
	timer.Wait(r.cfg.Clock)
}

// Add takes a failure event and does not block. A partition's events must be added in the
// order of their offsets, so that doubts are cleared before a later event is decided. It
// reports whether the event waits for another event of its task.
//
// An answer has no deadline: an event waits for its turn, and for the API.
func (r *Retrier) Add(ev Event) (behind bool) {
	if ev.Failure.Succeeded && !r.schedule.has(ev.Failure.TaskID) { // the usual case: no event of the task waits
		ev.Lease.Succeeded(&ev.Failure)
		return false
	}
	now := r.cfg.Clock.Now()
	age := now.Sub(ev.Source.Time)
	e := &event{Event: ev, arrived: now, stale: r.cfg.MaxAge > 0 && ev.Source.HasTime() && age > r.cfg.MaxAge}
	return r.schedule.add(e, !ev.Failure.Succeeded && r.needsCall(e))
}
