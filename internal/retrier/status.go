package retrier

import (
	"context"
	"sync"
	"time"

	"remux-retrier/internal/backoff"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/notice"
	"remux-retrier/internal/pace"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// A query asks for at most perRequest tasks (the API's limit). While no other query is in
// flight it waits for gather, to collect more.
const (
	perRequest = mpcclient.MaxQuery
	gather     = 5 * time.Millisecond
)

// statusBatcher collects state queries into as few requests as possible: each request costs
// as much quota as a retry.
type statusBatcher struct {
	cfg        Config
	requests   clock.Alarm // ring: there may be a request to send
	forbidden  *notice.Notice
	trouble    *notice.Notice // queries fail while retries work
	single     *notice.Notice // one task per request
	unexpected *notice.Notice // a status that MPC does not document
	cause      *cause

	mu      sync.Mutex
	waiting []*statusRequest
	asking  int // queries in flight
	wanted  int // events that wait for a state, also while their query is backed off
	// disabledUntil is until when nothing is queried, because it is not permitted.
	disabledUntil time.Time
	// oneByOne: the API returns only one task of several.
	oneByOne bool
}

// statusRequest is one event's query for its task's state.
type statusRequest struct {
	ctx     context.Context
	arrived time.Time // zero: it has been sent
	ev      *event
	extent  func() extent // as of now
	held    extent        // right before the last request was sent
	sent    time.Time     // when the last request was sent
	// alone: it is queried alone, because the last request with it told too little.
	alone bool
	// others are requests whose tasks were missing in the same answer: if MPC does not know
	// this task, it does not know theirs either.
	others   []*statusRequest
	failed   int // failed requests with it, in a row, while the API served others
	failures backoff.Backoff
	answered chan struct{} // closed when state is set
	state    state
}

func newStatusBatcher(cfg Config, cause *cause) *statusBatcher {
	return &statusBatcher{cfg: cfg, forbidden: notice.New(cfg.Logger), trouble: notice.New(cfg.Logger), single: notice.New(cfg.Logger), unexpected: notice.New(cfg.Logger), cause: cause}
}

// taskState is a task's state as a query has told it.
type taskState struct {
	state
	extent extent    // what was in the logs right before the query
	sent   time.Time // when the query was sent: MPC has read the state no earlier
}

// ask returns the state of the event's task. Outages delay it. It fails only when the
// context ends.
func (b *statusBatcher) ask(ctx context.Context, ev *event, extentNow func() extent) (taskState, error) {
	if !b.begin() {
		return taskState{state: unknown}, nil
	}
	defer b.end()
	mine := &statusRequest{ctx: ctx, arrived: b.cfg.Clock.Now(), ev: ev, extent: extentNow, answered: make(chan struct{}),
		failures: backoff.Backoff{Base: firstBackoff, Max: longestBackoff, Rand: b.cfg.Rand}}
	b.put(mine)
	if err := b.cfg.Clock.Wait(ctx, mine.answered); err != nil {
		return taskState{}, err
	}
	return taskState{mine.state, mine.held, mine.sent}, nil
}

// begin counts an event that waits for a state. False: nothing is queried.
func (b *statusBatcher) begin() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.cfg.Clock.Now().Before(b.disabledUntil) {
		return false
	}
	b.wanted++
	return true
}

func (b *statusBatcher) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wanted--; b.wanted == 0 {
		b.trouble.Over("no event waits for a task state here now")
	}
}

// answer is called once: a statusRequest is in one request or waits.
func (one *statusRequest) answer(s state) {
	one.state = s
	one.ev.step(story.Step{Kind: story.State, State: s.String()})
	close(one.answered)
}

// put queues requests and wakes run. Without requests it only wakes run: a query has ended.
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
		// At most perRequest calls go first: most tasks that ask have called before and hold
		// slots that others wait for.
		permit, err := b.cfg.Gate.AcquireFront(ctx, perRequest)
		if err != nil {
			return
		}
		if permit.WaitNew(ctx, b.newest()) != nil {
			permit.Release()
			return
		}
		batch := b.take() // only now: more have gathered meanwhile
		if len(batch) == 0 {
			permit.Cancel()
			permit.Release()
			continue
		}
		queries.Go(b.cfg.Clock, func() { b.query(ctx, permit, batch) })
	}
}

// newest is the arrival of the newest request that was not sent yet; zero: all were sent.
func (b *statusBatcher) newest() (arrived time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, one := range b.waiting {
		if one.arrived.After(arrived) {
			arrived = one.arrived
		}
	}
	return arrived
}

// due waits until there is a query to send: enough requests to fill one, or some while no
// other query is in flight; a query in flight lets more gather. False means that it was only
// woken, or that the context is done.
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

// take returns the requests of the next query: the oldest that are still wanted, or one
// that must be queried alone.
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

// query sends a query and answers its requests or puts them back. A task has one request at
// a time.
func (b *statusBatcher) query(ctx context.Context, permit *pace.Permit, batch []*statusRequest) {
	ids := make([]string, 0, perRequest)
	for _, one := range batch {
		one.held, one.sent, one.arrived = one.extent(), b.cfg.Clock.Now(), time.Time{}
		ids = append(ids, one.ev.Failure.TaskID)
		one.ev.step(story.Step{Kind: story.Query})
	}
	tasks, err := b.cfg.API.Query(ctx, ids)
	refusal := report(permit, err)
	b.cause.observe(refusal)
	permit.Release()

	b.mu.Lock()
	b.asking--
	b.mu.Unlock()

	var again []*statusRequest
	switch {
	case refusal == nil:
		b.forbidden.Over("MPC's state query is permitted again")
		b.trouble.Over("task state queries work again")
		again = b.answerBatch(batch, tasks)
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
		// One bad id must not fail the others.
		for _, one := range batch {
			one.alone = true
		}
		again = batch
	default:
		one := batch[0]
		one.refused(refusal)
		again = b.answerSingle(one, stateRefused(refusal))
	}
	b.put(again...)
}
