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

// Lease is an event's hold on the partition it came from.
type Lease interface {
	// Doubtful: events of the partition below it may have been called by a former
	// owner.
	Doubtful() int64
	// Log names the log of a partition that Ends tells of, or of the event's own.
	Log(partition int) int64
	// Since is when the partition became ours.
	Since() time.Time
	// BeforeCall waits until a call would be known to a next owner. From then
	// on the event counts as called, until Settled.
	BeforeCall(ctx context.Context) error
	// MayCall tells whether the partition is ours at this very moment.
	MayCall() bool
	// Owned ends when no answer can be published any more, some time after no new
	// work may begin.
	Owned() context.Context
	// Ends are the ends known now of the event's own partition, beyond the event
	// at least, and of each other one of ours in which unanswered events may be.
	Ends() map[int]int64
	// Settled says that what the event's calls did is known, and was nothing.
	Settled()
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
	// another event of the task is let in. A repeat changes nothing.
	Decided(o events.Outcome)
}

// Event is one failure event to be answered.
type Event struct {
	Failure events.Failure
	Source  events.Source
	Lease   Lease
	Trail   story.Trail // is told what happens to the event; nil: nobody is
}

// Answer is what is to be published for an event.
type Answer struct {
	Outcome events.Outcome
	release func()
}

// Acknowledged must be called once when the outcome has been published, or has
// been given up: until then the event counts as called but not yet answered.
func (a *Answer) Acknowledged() { a.release() }

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
	cfg      Config
	skip     map[string]bool
	tasks    *tasks
	open     *clock.Semaphore // events called but not acknowledged
	inquirer *inquirer
	cause    *cause

	waits
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
		cfg: cfg, skip: map[string]bool{}, tasks: newTasks(cfg.Clock),
		open:     clock.NewSemaphore(cfg.Clock, 2*cfg.MaxInFlight),
		inquirer: newInquirer(cfg, cause),
		cause:    cause,
	}
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
	case r.inquirer.forbidden.Text() != "":
		return r.inquirer.forbidden.Text()
	}
	return r.inquirer.trouble.Text()
}

// Run asks the questions of the events that are being answered, until the
// context is done. It must outlive the last Answer.
func (r *Retrier) Run(ctx context.Context) { r.inquirer.run(ctx) }
