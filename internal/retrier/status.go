package retrier

import (
	"context"
	"fmt"
	"sync"
	"time"

	"remux-retrier/internal/backoff"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/notice"
	"remux-retrier/internal/pace"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// A request asks for so many tasks at most (the API's limit), and waits so long
// for more of them while no other is under way.
const (
	perRequest = mpcclient.MaxQuery
	gather     = 5 * time.Millisecond
)

// troubleAfter is the wait from which on failing requests are told.
const troubleAfter = 4 * time.Second

// permissionCheck is how often a request is tried that was not permitted.
const permissionCheck = 10 * time.Minute

// statusBatcher gathers the questions for the states of tasks, and asks them in as
// few requests as it can: each costs as much of the quota as a retry.
type statusBatcher struct {
	cfg        Config
	requests   clock.Alarm // ring: there may be a request to send
	forbidden  *notice.Notice
	trouble    *notice.Notice // requests fail while retries are served
	single     *notice.Notice // one task a request
	unexpected *notice.Notice // a status that MPC does not document
	cause      *cause

	mu      sync.Mutex
	waiting []*statusRequest
	asking  int // requests under way
	// disabledUntil is until when nothing is asked, because it is not permitted.
	disabledUntil time.Time
	// oneByOne: the API tells of one task only where several are asked for.
	oneByOne bool
}

// statusRequest is one event's question for its task's state.
type statusRequest struct {
	ctx    context.Context
	came   time.Time // zero: it was in a request since
	ev     *event
	extent func() extent // as of now
	held   extent        // as of right before the last request was sent
	// alone: it is asked by itself, for the request that held it told too little.
	alone bool
	// others are as absent as this one, if it is.
	others   []*statusRequest
	failed   int // requests that held it, in a row, while the API served others
	failures backoff.Backoff
	answered chan struct{} // closed when state says what was asked for
	state    state
}

func newStatusBatcher(cfg Config, cause *cause) *statusBatcher {
	return &statusBatcher{cfg: cfg, forbidden: notice.New(cfg.Logger), trouble: notice.New(cfg.Logger), single: notice.New(cfg.Logger), unexpected: notice.New(cfg.Logger), cause: cause}
}

// ask returns the state of the event's task, and what stood in the logs right
// before it was asked for; outages delay it. It fails only when the context ends.
func (b *statusBatcher) ask(ctx context.Context, ev *event, extentNow func() extent) (state, extent, error) {
	b.mu.Lock()
	disabled := b.cfg.Clock.Now().Before(b.disabledUntil)
	b.mu.Unlock()
	if disabled {
		return unknown, extent{}, nil
	}
	mine := &statusRequest{ctx: ctx, came: b.cfg.Clock.Now(), ev: ev, extent: extentNow, answered: make(chan struct{}),
		failures: backoff.Backoff{Base: firstBackoff, Max: longestBackoff, Rand: b.cfg.Rand}}
	b.put(mine)
	if err := b.cfg.Clock.Wait(ctx, mine.answered); err != nil {
		return unknown, extent{}, err
	}
	return mine.state, mine.held, nil
}

// answer is given once: a question is in one request, or waits.
func (one *statusRequest) answer(s state) {
	one.state = s
	one.ev.step(story.Step{Kind: story.State, State: s.String()})
	close(one.answered)
}

// put also wakes up run when there is nothing to put: a request has ended.
func (b *statusBatcher) put(requests ...*statusRequest) {
	b.mu.Lock()
	b.waiting = append(b.waiting, requests...)
	b.mu.Unlock()
	b.requests.Ring()
}

// run sends queries until the context is done.
func (b *statusBatcher) run(ctx context.Context) {
	var queries clock.Group
	defer queries.Wait(b.cfg.Clock)
	for ctx.Err() == nil {
		if !b.due(ctx) {
			continue
		}
		// Behind no more calls than there may be questions in a query: those who ask
		// have called before, and hold places that others wait for.
		permit, err := b.cfg.Gate.AcquireFront(ctx, perRequest)
		if err != nil {
			return
		}
		if permit.WaitNew(ctx, b.newest()) != nil {
			permit.Release()
			return
		}
		batch := b.take() // only now: more have gathered while the turn came
		if len(batch) == 0 {
			permit.Cancel()
			permit.Release()
			continue
		}
		queries.Go(b.cfg.Clock, func() { b.query(ctx, permit, batch) })
	}
}

// newest is when the newest question came that was not asked yet; zero: all were.
func (b *statusBatcher) newest() (came time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, one := range b.waiting {
		if one.came.After(came) {
			came = one.came
		}
	}
	return came
}

// due waits until there is a query to send: enough questions to fill one, or
// some while no other is under way, which gathers those that come meanwhile.
func (b *statusBatcher) due(ctx context.Context) bool {
	b.mu.Lock()
	waiting, asking, oneByOne := len(b.waiting), b.asking, b.oneByOne
	b.mu.Unlock()
	switch {
	case waiting >= perRequest, waiting > 0 && oneByOne:
		return true
	case waiting > 0 && asking == 0:
		return b.cfg.Clock.Sleep(ctx, gather) == nil
	}
	b.requests.Wait(ctx, b.cfg.Clock, time.Hour)
	return false
}

// take gathers the next request: the oldest questions that somebody still asks,
// or one that must be asked alone.
func (b *statusBatcher) take() []*statusRequest {
	b.mu.Lock()
	defer b.mu.Unlock()
	var batch, rest []*statusRequest
	for _, one := range b.waiting {
		alone := one.alone || b.oneByOne
		switch {
		case one.ctx.Err() != nil && len(one.others) == 0:
		case len(batch) == perRequest, len(batch) > 0 && (alone || batch[0].alone || b.oneByOne):
			rest = append(rest, one)
		default:
			batch = append(batch, one)
		}
	}
	b.waiting = rest
	if len(batch) > 0 {
		b.asking++
	}
	return batch
}

// query asks for a batch, and answers its questions or puts them back. A task has
// one question at a time.
func (b *statusBatcher) query(ctx context.Context, permit *pace.Permit, batch []*statusRequest) {
	ids := make([]string, 0, perRequest)
	for _, one := range batch {
		one.held, one.came = one.extent(), time.Time{}
		ids = append(ids, one.ev.Failure.TaskID)
		one.ev.step(story.Step{Kind: story.Query})
	}
	tasks, err := b.cfg.API.Query(ctx, ids)
	refusal := report(permit, err)
	b.cause.heard(refusal)
	permit.Release()

	b.mu.Lock()
	b.asking--
	b.mu.Unlock()

	var again []*statusRequest
	switch {
	case refusal == nil:
		b.forbidden.Over("MPC's state query is permitted again")
		b.trouble.Over("tasks' states can be asked for again")
		again = b.told(batch, tasks)
	case refusal.Forbidden():
		b.disable(batch, refusal)
	case refusal.Outage():
		again = batch
		for _, one := range batch {
			one.refused(refusal)
		}
		b.requests.Ring() // others need not wait for these
		_ = b.cfg.Clock.Sleep(ctx, b.backOff(batch, refusal))
	case len(ids) > 1:
		// One bad id must not condemn the others.
		for _, one := range batch {
			one.alone = true
		}
		again = batch
	default:
		one := batch[0]
		one.refused(refusal)
		again = b.toldAlone(one, stateRefused(refusal))
	}
	b.put(again...)
}

// backOff is how long the questions of a failed query wait: longer each time, if
// only queries fail. While the API serves nobody the gate spaces the attempts.
func (b *statusBatcher) backOff(batch []*statusRequest, refusal *mpcclient.Error) time.Duration {
	wait := longestBackoff
	for _, one := range batch {
		if refusal.Class == mpcclient.Throttled || !b.cfg.Gate.Available() {
			one.failures.Reset()
			one.failed = 0
		}
		one.failed++
		wait = min(wait, one.failures.Next())
		// While others are served, the API may fail at one odd id of the query:
		// that one must not hold up the rest.
		one.alone = one.alone || one.failed > 1
	}
	if wait > troubleAfter {
		b.trouble.Problem(fmt.Sprintf("states of tasks cannot be asked for while retries are served (%s, HTTP %d %s); the events that need them wait. %s",
			refusal.Class, refusal.Status, refusal.Code, refusal.Advice))
	}
	return wait
}

// disable answers that states cannot be asked for, and asks no more for a
// while: each query would cost quota and tell nothing.
func (b *statusBatcher) disable(batch []*statusRequest, refusal *mpcclient.Error) {
	// The refusal's own text has a request id, and would be said each time anew.
	b.forbidden.Problem(fmt.Sprintf("MPC's state query is not permitted (HTTP %d %s); refusals are answered without it: grant the permission "+mpcclient.PermissionQuery, refusal.Status, refusal.Code))
	b.mu.Lock()
	defer b.mu.Unlock()
	b.disabledUntil = b.cfg.Clock.Now().Add(permissionCheck)
	for _, one := range append(batch, b.waiting...) {
		for _, each := range append(one.others, one) {
			each.answer(unknown)
		}
	}
	b.waiting = nil
}
