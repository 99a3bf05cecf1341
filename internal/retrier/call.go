package retrier

import (
	"context"
	"errors"
	"time"

	"remux-retrier/internal/pace"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// errBlocked: the call is not made, because Kafka could not store its answer.
var errBlocked = errors.New("Kafka cannot store the answer now")

// call makes one retry call. A nil refusal means that it was accepted. A throttled call
// keeps its place and is repeated: the task is not its cause. call fails with errBlocked,
// or when the context ends.
func (e *run) call(ctx context.Context) (refusal *mpcclient.Error, err error) {
	e.stepWaiting()
	permit, err := e.r.cfg.Gate.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		permit.Release()
		e.r.callEnded(e.t, refusal != nil)
	}()
	for {
		if err := e.waitTurn(ctx, permit); err != nil {
			if e.doubt == none {
				e.ev.Lease.CallHadNoEffect()
			}
			return nil, err
		}
		refusal = e.send(ctx, permit)
		if refusal == nil || refusal.Class != mpcclient.Throttled || refusal.Operation == mpcclient.OperationLogin {
			return refusal, nil
		}
		e.stepWaiting()
	}
}

// waitTurn waits until the call may be made right now.
func (e *run) waitTurn(ctx context.Context, permit *pace.Permit) error {
	for {
		e.r.count(&e.r.awaitingCommit, 1)
		err := e.ev.Lease.BeforeCall(ctx)
		e.r.count(&e.r.awaitingCommit, -1)
		if err != nil {
			return err
		}
		if err := e.waitPermit(ctx, permit); err != nil {
			return err
		}
		// The wait may have been long, or this process may have slept.
		writable := e.ev.Lease.Writable()
		if writable && e.ev.Lease.MayCall() {
			return nil
		}
		permit.Cancel()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case !writable:
			return errBlocked
		}
	}
}

// waitPermit waits for the permit's turn. A task that was not called yet may be the next
// probe of an outage at once.
func (e *run) waitPermit(ctx context.Context, permit *pace.Permit) error {
	if e.last == nil {
		return permit.WaitNew(ctx, e.ev.arrived)
	}
	return permit.Wait(ctx)
}

// send makes the call and notes its result.
func (e *run) send(ctx context.Context, permit *pace.Permit) *mpcclient.Error {
	extent := e.r.extentOf(e.t) // events after this may tell of a failure of this very retry
	probe := !e.r.cfg.Gate.Available()
	e.ev.step(story.Step{Kind: story.Call})
	e.t.failedAt = time.Time{}
	err := e.r.cfg.API.Retry(context.WithoutCancel(ctx), e.t.id)
	before := e.r.cfg.Gate.Counters().RecentlyServed
	refusal := report(permit, err)
	e.r.cause.observe(refusal)
	if (refusal == nil || !refusal.Outage()) && e.r.cfg.Gate.Available() {
		e.r.served()
	}
	e.stepCalled(refusal)
	if refusal == nil || refusal.Operation != mpcclient.OperationLogin { // without a token nothing was sent
		e.attempts++
		e.extent = extent
	}
	if refusal == nil {
		return nil
	}
	switch {
	case refusal.Class == mpcclient.Lost:
		e.doubt, e.clearAt, e.asked = lost, e.r.cfg.Clock.Now().Add(e.r.cfg.Settle), false
	case refusal.Outage() && e.doubt == none:
		e.ev.Lease.CallHadNoEffect()
	}
	if now := e.r.cfg.Clock.Now(); e.last == nil && e.alone(refusal) {
		e.r.firstFailures.note(now, e.ev, refusal, e.r.cfg.MaxAttempts)
	}
	e.last, e.lastCall = refusal, e.r.cfg.Clock.Now()
	if refusal.Outage() && refusal.Class != mpcclient.Throttled {
		e.evidence.failed(e.r.cfg.Gate.Counters(), before, probe)
	}
	return refusal
}

// alone reports whether a failed call may be the failure of this task alone.
func (e *run) alone(refusal *mpcclient.Error) bool {
	return refusal.Outage() && refusal.Class != mpcclient.Throttled && refusal.Operation != mpcclient.OperationLogin && e.r.cfg.Gate.Available()
}

// report tells the gate a request's result and converts the error.
func report(permit *pace.Permit, err error) *mpcclient.Error {
	if err == nil {
		permit.Done(pace.Served, 0)
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
		// Retries may be permitted nevertheless.
	case refusal.Outage():
		result = pace.Failed
	}
	permit.Done(result, refusal.RetryAfter)
	return refusal
}
