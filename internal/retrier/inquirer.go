package retrier

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"remux-retrier/internal/backoff"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/notice"
	"remux-retrier/internal/pace"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// A query asks for so many tasks at most (the API's limit), and waits so long
// for more questions while no other query is under way.
const (
	perQuery = mpcclient.MaxQuery
	gather   = 5 * time.Millisecond
)

// troubleAfter is the wait from which on failing queries are told.
const troubleAfter = 4 * time.Second

// permissionCheck is how often a query is tried that was not permitted.
const permissionCheck = 10 * time.Minute

// inquirer gathers the questions for the states of tasks, and asks them in as
// few queries as it can: each costs as much of the quota as a retry.
type inquirer struct {
	cfg       Config
	questions clock.Alarm // ring: there may be a query to send
	forbidden *notice.Notice
	trouble   *notice.Notice // queries fail while retries are served
	strange   *notice.Notice // a status that MPC does not document
	cause     *cause

	mu      sync.Mutex
	waiting []*question
	asking  int // queries under way
	// without is until when no query is sent, because none is permitted.
	without time.Time
}

type question struct {
	ctx    context.Context
	taskID string
	trail  story.Trail // of the event that asks
	lease  Lease
	ends   map[int]int64 // the lease's, right before the last query was sent
	// alone: the query that held it was refused, so it is asked by itself.
	alone    bool
	failed   int // queries that held it, in a row, while the API served others
	failures backoff.Backoff
	answered chan struct{} // closed when state says what was asked for
	state    state
}

func newInquirer(cfg Config, cause *cause) *inquirer {
	return &inquirer{cfg: cfg, forbidden: notice.New(cfg.Logger), trouble: notice.New(cfg.Logger), strange: notice.New(cfg.Logger), cause: cause}
}

// ask returns the state of the event's task, and the Ends that its lease told right
// before the state was asked for; outages delay it. It fails only when the context
// ends.
func (q *inquirer) ask(ctx context.Context, ev Event) (state, map[int]int64, error) {
	q.mu.Lock()
	without := q.cfg.Clock.Now().Before(q.without)
	q.mu.Unlock()
	if without {
		return unknown, nil, nil
	}
	mine := &question{ctx: ctx, taskID: ev.Failure.TaskID, trail: ev.Trail, lease: ev.Lease, answered: make(chan struct{}),
		failures: backoff.Backoff{Base: firstRest, Max: longestRest, Rand: q.cfg.Rand}}
	q.put(mine)
	if err := q.cfg.Clock.Wait(ctx, mine.answered); err != nil {
		return unknown, nil, err
	}
	return mine.state, mine.ends, nil
}

// answer is given once: a question is in one query, or waits.
func (one *question) answer(s state) {
	one.state = s
	one.tell(story.Step{Kind: story.State, State: s.String()})
	close(one.answered)
}

// put also wakes up the inquirer when there is nothing to put: a query has ended.
func (q *inquirer) put(questions ...*question) {
	q.mu.Lock()
	q.waiting = append(q.waiting, questions...)
	q.mu.Unlock()
	q.questions.Ring()
}

// run sends queries until the context is done.
func (q *inquirer) run(ctx context.Context) {
	var queries clock.Group
	defer queries.Wait(q.cfg.Clock)
	for ctx.Err() == nil {
		if !q.due(ctx) {
			continue
		}
		// Behind no more calls than there may be questions in a query: those who ask
		// have called before, and hold places that others wait for.
		pass, err := q.cfg.Gate.AcquireFront(ctx, perQuery)
		if err != nil {
			return
		}
		if pass.Wait(ctx) != nil {
			pass.Release()
			return
		}
		batch := q.take() // only now: more have gathered while the turn came
		if len(batch) == 0 {
			pass.Cancel()
			pass.Release()
			continue
		}
		queries.Go(q.cfg.Clock, func() { q.query(ctx, pass, batch) })
	}
}

// due waits until there is a query to send: enough questions to fill one, or
// some while no other is under way, which gathers those that come meanwhile.
func (q *inquirer) due(ctx context.Context) bool {
	q.mu.Lock()
	waiting, asking := len(q.waiting), q.asking
	q.mu.Unlock()
	switch {
	case waiting >= perQuery:
		return true
	case waiting > 0 && asking == 0:
		return q.cfg.Clock.Sleep(ctx, gather) == nil
	}
	q.questions.Wait(ctx, q.cfg.Clock, time.Hour)
	return false
}

// take gathers the next query: the oldest questions that somebody still asks,
// each task once, or one question that must be asked alone.
func (q *inquirer) take() []*question {
	q.mu.Lock()
	defer q.mu.Unlock()
	var batch, rest []*question
	tasks := map[string]bool{}
	for _, one := range q.waiting {
		switch {
		case one.ctx.Err() != nil:
		case len(batch) > 0 && (one.alone || batch[0].alone),
			len(tasks) == perQuery && !tasks[one.taskID]:
			rest = append(rest, one)
		default:
			batch = append(batch, one)
			tasks[one.taskID] = true
		}
	}
	q.waiting = rest
	if len(batch) > 0 {
		q.asking++
	}
	return batch
}

// query asks for a batch, and answers its questions or puts them back.
func (q *inquirer) query(ctx context.Context, pass *pace.Permit, batch []*question) {
	ids := make([]string, 0, perQuery)
	for _, one := range batch {
		one.ends = one.lease.Ends()
		if !slices.Contains(ids, one.taskID) {
			ids = append(ids, one.taskID)
		}
		one.tell(story.Step{Kind: story.Query})
	}
	tasks, err := q.cfg.API.Query(ctx, ids)
	refusal := report(pass, err)
	q.cause.heard(refusal)
	pass.Release()

	q.mu.Lock()
	q.asking--
	q.mu.Unlock()

	var again []*question
	switch {
	case refusal == nil:
		q.forbidden.Over("MPC's state query is permitted again")
		q.trouble.Over("tasks' states can be asked for again")
		for _, one := range batch {
			q.wonder(tasks[one.taskID].Status)
			one.answer(stateOf(tasks, one.taskID))
		}
	case refusal.Forbidden():
		q.goWithout(batch, refusal)
	case refusal.Outage():
		again = batch
		for _, one := range batch {
			one.refused(refusal)
		}
		q.questions.Ring() // others need not wait for these
		_ = q.cfg.Clock.Sleep(ctx, q.rest(batch, refusal))
	case len(ids) > 1:
		// One bad id must not condemn the others.
		for _, one := range batch {
			one.alone = true
		}
		again = batch
	default:
		for _, one := range batch {
			one.refused(refusal)
			one.answer(stateRefused(refusal))
		}
	}
	q.put(again...)
}

// wonder says that a task has a status which MPC does not document.
func (q *inquirer) wonder(s mpcclient.Status) {
	if s != "" && !slices.Contains(documented, s) {
		q.strange.Problem(fmt.Sprintf("MPC tells of a task in the state %.40q, which this version does not know: it is not FAILED any more, so the task counts as retried", s))
	}
}

// rest is how long the questions of a failed query wait: longer each time, if
// only queries fail. While the API serves nobody the gate spaces the attempts.
func (q *inquirer) rest(batch []*question, refusal *mpcclient.Error) time.Duration {
	wait := longestRest
	for _, one := range batch {
		if refusal.Class == mpcclient.Throttled || !q.cfg.Gate.Available() {
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
		q.trouble.Problem(fmt.Sprintf("states of tasks cannot be asked for while retries are served (%s, HTTP %d %s); the events that need them wait. %s",
			refusal.Class, refusal.Status, refusal.Code, refusal.Advice))
	}
	return wait
}

// goWithout answers that states cannot be asked for, and asks no more for a
// while: each query would cost quota and tell nothing.
func (q *inquirer) goWithout(batch []*question, refusal *mpcclient.Error) {
	// The refusal's own text has a request id, and would be said each time anew.
	q.forbidden.Problem(fmt.Sprintf("MPC's state query is not permitted (HTTP %d %s); refusals are answered without it: grant the permission mpc:remuxTsk:list", refusal.Status, refusal.Code))
	q.mu.Lock()
	defer q.mu.Unlock()
	q.without = q.cfg.Clock.Now().Add(permissionCheck)
	for _, one := range append(batch, q.waiting...) {
		one.answer(unknown)
	}
	q.waiting = nil
}
