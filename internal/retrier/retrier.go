package retrier

import (
	"context"
	"errors"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/pace"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// API is what the decision asks of MPC. Calls end by themselves within the
// configured time; a cancelled context may end them sooner. Errors are
// *mpcclient.Error.
type API interface {
	Retry(ctx context.Context, taskID string) error
	Query(ctx context.Context, taskIDs []string) (map[string]mpcclient.Task, error)
}

// Lease is an event's hold on the partition it came from, and the way to its
// answer. All events that are not answered have leases of the same generation.
type Lease interface {
	// Context ends when no new work may begin.
	Context() context.Context
	// Owned ends when no answer can be published any more, some time after Context.
	Owned() context.Context
	// Since is when the partition became ours.
	Since() time.Time
	// InDoubt: an earlier owner may have called for the event.
	InDoubt() bool
	// End is the end of the event's partition, as known now, and at least beyond the
	// event. log names the partition's log.
	End() (end, log int64)
	// Seen is when the event was first seen to stand in its log, Sighted what that
	// would be now. Events that were seen at a number up to Sighted came before a call
	// that is made now.
	Seen() uint64
	Sighted() uint64
	// Writable tells whether an answer would be published soon.
	Writable() bool
	// Go runs f in a goroutine that the end of the generation waits for.
	Go(f func())
	// Do runs f, which works on the event. If f panics, the process goes on.
	Do(f func())
	// BeforeCall waits until a call would be known to a next owner. From then
	// on the event counts as called, until Settled.
	BeforeCall(ctx context.Context) error
	// MayCall tells whether the partition is ours at this very moment.
	MayCall() bool
	// Settled says that what the event's calls did is known, and was nothing.
	Settled()
	// Answer publishes the event's outcome, which belongs to it from then on. It does
	// not wait for that: acknowledged
	// is called once, when the outcome has been published or has been given up.
	Answer(o *events.Outcome, acknowledged func())
	// GiveUp ends the event without an answer: its next owner gets it.
	GiveUp(why error)
}

// Ledger knows what the whole group has decided about tasks.
type Ledger interface {
	// Covering finds the decision whose call, or question for the state, answers
	// the event too, because the event stood in the log by then. The event's own,
	// decided but never published, comes first: no other may take its place, or its
	// retry would be forgotten. Then comes one that CountsAsRetry by a call of its
	// own, then the latest. Of the outcome are known Reason, Attempts, AcceptedRetry,
	// Source, Covers and DecidedAt.
	Covering(taskID string, event events.Source) (o events.Outcome, ok bool)
	// Retries counts the task's accepted retries within the budget's window.
	Retries(taskID string) int
	// Decided takes note of a decision of ours, before it is published and before
	// another event of the task is decided. A repeat changes nothing.
	Decided(o events.Outcome)
}

// Event is one failure event to be answered.
type Event struct {
	Failure events.Failure
	Source  events.Source
	Lease   Lease
	Trail   story.Trail // is told what happens to the event; nil: nobody listens
}

// Config of a Retrier. All fields are required but Budget, MaxAge and
// SkipCodes.
type Config struct {
	API    API
	Gate   *pace.Gate
	Ledger Ledger
	// Budget is how many accepted retries a task gets within the ledger's window;
	// 0: as many as are asked for.
	Budget int
	// MaxInFlight is the gate's; twice as many events may be called and not yet
	// acknowledged.
	MaxInFlight int
	// MaxAttempts is how many calls for one event may fail while the API serves
	// others.
	MaxAttempts int
	// MaxAge is the age beyond which an event that comes is answered Expired; 0:
	// there is none. What waits here does not expire: waiting is not its fault.
	MaxAge time.Duration
	// SkipCodes are failure codes for which a retry cannot help.
	SkipCodes []string
	// Settle is how long after a lost answer a FAILED state is believed: MPC may
	// still be at work on the call until then.
	Settle time.Duration
	// Origin is the ce_source of the outcomes.
	Origin string
	Clock  clock.Clock
	// Rand returns a number in [0, 1), for the jitter of backoffs.
	Rand   func() float64
	Logger logrus.FieldLogger
}

// Retrier answers failure events. Run must be running meanwhile.
type Retrier struct {
	cfg    Config
	skip   map[string]bool
	status *statusBatcher
	cause  *cause
	recent recent
	schedule

	firstFailures firstFailures
}

// New makes a Retrier.
func New(cfg Config) (*Retrier, error) {
	if cfg.API == nil || cfg.Gate == nil || cfg.Ledger == nil || cfg.Clock == nil || cfg.Rand == nil || cfg.Logger == nil {
		return nil, errors.New("retrier: API, Gate, Ledger, Clock, Rand and Logger are required")
	}
	if cfg.MaxInFlight <= 0 || cfg.MaxAttempts <= 0 || cfg.Settle <= 0 || cfg.Budget < 0 {
		return nil, errors.New("retrier: MaxInFlight, MaxAttempts and Settle are required, Budget must not be negative")
	}
	cause := &cause{gate: cfg.Gate, log: cfg.Logger, said: map[string]bool{}}
	r := &Retrier{
		cfg: cfg, skip: map[string]bool{}, cause: cause, status: newStatusBatcher(cfg, cause), recent: newRecent(),
		schedule: newSchedule(cfg.Clock, cfg.MaxInFlight), firstFailures: firstFailures{log: cfg.Logger},
	}
	r.schedule.work, r.schedule.acknowledge = r.work, r.schedule.acknowledged
	for _, code := range cfg.SkipCodes {
		r.skip[code] = true
	}
	return r, nil
}

// Advice is what an operator has to do so that MPC serves again, or so that
// states can be asked for; empty: nothing.
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

// Run brings back the tasks that wait for a time, and asks for the states of
// tasks, until the context is done. It must outlive the last event.
func (r *Retrier) Run(ctx context.Context) {
	var timer clock.Group
	timer.Go(r.cfg.Clock, func() { r.schedule.run(ctx) })
	r.status.run(ctx)
	timer.Wait(r.cfg.Clock)
}

// Add takes a failure event on, and does not wait. A partition's events are to
// come in the order of their offsets, so that what is in doubt is settled before a
// later event is looked at. It tells whether the event waits behind another one of
// its task.
//
// The answer takes as long as it takes: an event whose turn has not come, or whose
// API is away, waits.
func (r *Retrier) Add(ev Event) (behind bool) {
	now := r.cfg.Clock.Now()
	age := now.Sub(ev.Source.Time)
	e := &event{Event: ev, came: now, stale: r.cfg.MaxAge > 0 && ev.Source.HasTime() && age > r.cfg.MaxAge}
	return r.schedule.add(e, r.needsCall(e))
}
