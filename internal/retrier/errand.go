package retrier

import (
	"context"
	"errors"
	"sync"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/backoff"
	"remux-retrier/internal/pace"
	"remux-retrier/mpcclient"
)

// doubt is whether a call for the event may have been accepted unknown to us.
type doubt int

const (
	none    doubt = iota
	lost          // our own call's answer was lost
	crashed       // a former owner may have called
)

// An attempt counts against an event only if the API served others meanwhile:
// so many requests ended, and nine in ten of them were served.
const witnesses = 10

// codeNotFinal: the task is in progress or completed.
const codeNotFinal = "MPC.10213"

// firstRest and longestRest bound the wait between two calls for one event. The
// longest is long so that events that nothing helps stay a small part of the
// calls, however many they are.
const (
	firstRest   = time.Second
	longestRest = 5 * time.Minute
)

// errand is one event on its way to its answer.
type errand struct {
	r  *Retrier
	ev Event

	attempts int
	covers   []events.Cover   // what the last call answers, if it answers
	last     *mpcclient.Error // how the last call failed
	since    pace.Tally       // what had ended by then
	counted  int              // calls that failed for this event alone
	backoff  backoff.Backoff
	stale    bool // was older than MaxAge when it came

	doubt doubt
	// clearAt is when FAILED ends the doubt.
	clearAt time.Time
	open    bool // holds a place among the called but not acknowledged
}

func (r *Retrier) newErrand(ev Event) *errand {
	e := &errand{r: r, ev: ev, backoff: backoff.Backoff{Base: firstRest, Max: longestRest, Rand: r.cfg.Rand}}
	if age := r.cfg.Clock.Now().Sub(ev.Source.Time); r.cfg.MaxAge > 0 && age > r.cfg.MaxAge {
		e.stale = true
	}
	if ev.Lease.InDoubt() {
		e.doubt, e.clearAt = crashed, ev.Lease.Since().Add(r.cfg.Settle)
	}
	return e
}

// call makes one retry call. A nil refusal means that it was accepted.
func (e *errand) call(ctx context.Context) (refusal *mpcclient.Error, err error) {
	e.r.turns.Add(1)
	turned := sync.OnceFunc(func() { e.r.turns.Add(-1) })
	defer turned()
	if !e.open {
		if e.r.open.Acquire(ctx, 1) != nil {
			return nil, context.Cause(ctx)
		}
		e.open = true
	}
	pass, err := e.r.cfg.Gate.Enter(ctx)
	if err != nil {
		return nil, err
	}
	defer pass.Leave()
	if err := e.turn(ctx, pass); err != nil {
		if e.doubt == none {
			e.ev.Lease.Settled()
		}
		return nil, err
	}
	turned()
	end := e.ev.Lease.End()
	err = e.r.cfg.API.Retry(context.WithoutCancel(ctx), e.ev.Failure.TaskID)
	refusal = report(pass, err)
	e.r.cause.heard(refusal)
	if refusal == nil || refusal.Operation != mpcclient.OperationLogin { // without a token nothing was sent
		e.attempts++
		e.covers = []events.Cover{{Partition: e.ev.Source.Partition, End: end}}
	}
	if refusal == nil {
		return nil, nil
	}
	e.last, e.since = refusal, e.r.cfg.Gate.Tally()
	switch {
	case refusal.Class == mpcclient.Lost:
		e.doubt, e.clearAt = lost, e.r.cfg.Clock.Now().Add(e.r.cfg.Settle)
	case refusal.Outage() && e.doubt == none:
		e.settled()
	}
	return refusal, nil
}

// turn waits until the call may be made at this very moment.
func (e *errand) turn(ctx context.Context, pass *pace.Pass) error {
	for {
		if err := e.ev.Lease.BeforeCall(ctx); err != nil {
			return err
		}
		if err := pass.Turn(ctx); err != nil {
			return err
		}
		// The turn may have been long in coming, or this process may have slept.
		if e.ev.Lease.MayCall() {
			return nil
		}
		pass.Cancel()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}

// report tells the gate how a request ended, and gives the error its type.
func report(pass *pace.Pass, err error) *mpcclient.Error {
	if err == nil {
		pass.Done(pace.Served, 0)
		return nil
	}
	var refusal *mpcclient.Error
	if !errors.As(err, &refusal) {
		refusal = &mpcclient.Error{Class: mpcclient.Lost, Err: err}
	}
	result := pace.Served
	switch {
	case refusal.Class == mpcclient.Throttled && refusal.Operation != mpcclient.OperationLogin:
		result = pace.Throttled // IAM's quota is not MPC's
	case refusal.Operation == mpcclient.OperationQuery && refusal.Forbidden():
		// Retries may be permitted all the same.
	case refusal.Outage():
		result = pace.Failed
	}
	pass.Done(result, refusal.RetryAfter)
	return refusal
}

// settled: whatever was called for the event is known to have done nothing.
func (e *errand) settled() {
	e.doubt = none
	e.ev.Lease.Settled()
	e.acknowledged()
}

// ask asks for the task's state, and goes on asking for as long as FAILED may
// only mean that MPC has not come to the call yet.
func (e *errand) ask(ctx context.Context) (state, error) {
	for {
		e.r.turns.Add(1)
		state, err := e.r.inquirer.ask(ctx, e.ev.Failure.TaskID)
		e.r.turns.Add(-1)
		if err != nil || state != failed {
			return state, err
		}
		wait := e.clearAt.Sub(e.r.cfg.Clock.Now())
		if wait <= 0 {
			return failed, nil
		}
		if err := e.pause(ctx, wait); err != nil {
			return unknown, err
		}
	}
}

// explain finds the reason for a refusal that has several. What the state is
// now settles it, unless the state cannot be asked for. FAILED is believed no
// sooner than after any lost answer: the call before this one may be at work.
//
// It goes on when no new work may begin: the answer is near, and a next owner
// would have to call again.
func (e *errand) explain(refusal *mpcclient.Error) (events.Reason, error) {
	state, err := e.ask(e.ev.Lease.Owned())
	if err != nil {
		return "", err
	}
	switch state {
	case running:
		return events.AlreadyRunning, nil
	case canceled:
		return events.NotRetryable, nil
	case absent:
		return events.TaskNotFound, nil
	case invalid:
		return events.InvalidTask, nil
	case unknown:
		// Without the state, a task that is not in its final state runs; and a
		// call that may have been accepted explains why the next was refused.
		if refusal.Code == codeNotFinal || e.doubt != none {
			return events.AlreadyRunning, nil
		}
	}
	return events.Rejected, nil
}

// rest lets an event wait whose call failed: longer each time, but not while the
// API serves nobody, when the gate holds everybody back and every waiting event
// is to take its turn as the probe.
func (e *errand) rest(ctx context.Context) error {
	if e.last == nil {
		return nil
	}
	if e.last.Class == mpcclient.Throttled {
		e.backoff.Reset() // never the event's own doing
	}
	wait := e.backoff.Next()
	if !e.r.cfg.Gate.Available() {
		wait = min(wait, firstRest)
	}
	return e.pause(ctx, wait)
}

func (e *errand) pause(ctx context.Context, d time.Duration) error {
	e.r.resting.Add(1)
	defer e.r.resting.Add(-1)
	return e.r.cfg.Clock.Sleep(ctx, d)
}

// ruledOut is the reason for which the event is answered without a call, or
// without another one; empty: there is none.
func (e *errand) ruledOut() events.Reason {
	switch {
	case e.r.skip[e.ev.Failure.ErrorCode]:
		return events.NotRetryable
	case e.stale && e.attempts == 0:
		return events.Expired
	case e.exhausted():
		return events.AttemptsExhausted
	}
	return ""
}

// exhausted counts the last call against the event if it failed while the API
// served others, and tells whether that was one call too many. The judgement is
// made as late as possible, right before another call: what came after the
// failure shows whether it began an outage.
func (e *errand) exhausted() bool {
	if e.last == nil || e.last.Class == mpcclient.Throttled {
		return false
	}
	now := e.r.cfg.Gate.Tally()
	ended, served := now.Ended-e.since.Ended, now.Served-e.since.Served
	if ended >= witnesses && served*10 >= ended*9 && now.Outages == e.since.Outages && e.r.cfg.Gate.Available() {
		e.counted++
	}
	return e.counted >= e.r.cfg.MaxAttempts
}

// answer ends the errand.
func (e *errand) answer(reason events.Reason, refusal *mpcclient.Error) *Answer {
	o := events.Outcome{
		Reason: reason, Attempts: e.attempts, Source: e.ev.Source, Failure: e.ev.Failure, Covers: e.covers,
		DecidedAt: e.r.cfg.Clock.Now(), Origin: e.r.cfg.Origin,
	}
	if refusal != nil {
		o.Error = &events.APIError{
			Status: refusal.Status, Code: refusal.Code, Message: refusal.Message, RequestID: refusal.RequestID,
		}
	}
	return &Answer{Outcome: o, release: e.acknowledged}
}

func (e *errand) giveUp(err error) error {
	e.acknowledged()
	return err
}

func (e *errand) acknowledged() {
	if e.open {
		e.open = false
		e.r.open.Release(1)
	}
}
