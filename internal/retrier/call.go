package retrier

import (
	"context"
	"errors"

	"remux-retrier/internal/pace"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// errBlocked is why a call is not made: Kafka would not take its answer.
var errBlocked = errors.New("its answer cannot be stored at present")

// call makes one retry call. A nil refusal means that it was accepted. One that
// was throttled keeps its place and is made again: that is never the task's doing.
// It fails with errBlocked, or when the context ends.
func (e *run) call(ctx context.Context) (refusal *mpcclient.Error, err error) {
	e.stepTurn()
	permit, err := e.r.cfg.Gate.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		permit.Release()
		e.r.called(e.t, refusal != nil)
	}()
	for {
		if err := e.turn(ctx, permit); err != nil {
			if e.doubt == none {
				e.ev.Lease.Settled()
			}
			return nil, err
		}
		refusal = e.send(ctx, permit)
		if refusal == nil || refusal.Class != mpcclient.Throttled || refusal.Operation == mpcclient.OperationLogin {
			return refusal, nil
		}
		e.stepTurn()
	}
}

// turn waits until the call may be made at this very moment.
func (e *run) turn(ctx context.Context, permit *pace.Permit) error {
	for {
		e.r.count(&e.r.marking, 1)
		err := e.ev.Lease.BeforeCall(ctx)
		e.r.count(&e.r.marking, -1)
		if err != nil {
			return err
		}
		if err := e.wait(ctx, permit); err != nil {
			return err
		}
		// The turn may have been long in coming, or this process may have slept.
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

// wait waits for the turn. A task that was not called yet may be the next probe of
// an outage at once.
func (e *run) wait(ctx context.Context, permit *pace.Permit) error {
	if e.last == nil {
		return permit.WaitNew(ctx, e.ev.came)
	}
	return permit.Wait(ctx)
}

// send makes the call, and takes note of how it ended.
func (e *run) send(ctx context.Context, permit *pace.Permit) *mpcclient.Error {
	extent := e.r.extentOf(e.t) // what comes after this may tell of a failure of this very retry
	probe := !e.r.cfg.Gate.Available()
	e.ev.step(story.Step{Kind: story.Call})
	err := e.r.cfg.API.Retry(context.WithoutCancel(ctx), e.t.id)
	before := e.r.cfg.Gate.Tally().Lately
	refusal := report(permit, err)
	e.r.cause.heard(refusal)
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
		e.ev.Lease.Settled()
	}
	if now := e.r.cfg.Clock.Now(); e.last == nil && e.alone(refusal) {
		e.r.firstFailures.note(now, e.ev, refusal, e.r.cfg.MaxAttempts)
	}
	e.last, e.lastCall = refusal, e.r.cfg.Clock.Now()
	if refusal.Outage() && refusal.Class != mpcclient.Throttled {
		e.evidence.failed(e.r.cfg.Gate.Tally(), before, probe)
	}
	return refusal
}

// alone tells whether a call has failed that may be this task's own failure.
func (e *run) alone(refusal *mpcclient.Error) bool {
	return refusal.Outage() && refusal.Class != mpcclient.Throttled && refusal.Operation != mpcclient.OperationLogin && e.r.cfg.Gate.Available()
}

// report tells the gate how a request ended, and gives the error its type.
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
		// Retries may be permitted all the same.
	case refusal.Outage():
		result = pace.Failed
	}
	permit.Done(result, refusal.RetryAfter)
	return refusal
}
