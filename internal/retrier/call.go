package retrier

import (
	"context"
	"errors"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/pace"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// errBlocked: the call is not made, because Kafka could not store its answer.
var errBlocked = errors.New("Kafka cannot store the answer now")

// call makes one retry call. A nil refusal means that it was accepted. A throttled call
// keeps its place and is repeated: the task is not its cause. call fails with errBlocked,
// or when the context ends.
func (p *progress) call(ctx context.Context) (refusal *mpcclient.Error, err error) {
	p.stepWaiting()
	permit, err := p.r.cfg.Gate.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		permit.Release()
		p.r.schedule.callEnded(p.t, refusal != nil)
	}()
	for {
		if err := p.waitTurn(ctx, permit); err != nil {
			if p.doubt == none {
				p.ev.Lease.CallHadNoEffect()
			}
			return nil, err
		}
		refusal = p.send(ctx, permit)
		if refusal == nil || refusal.Class != mpcclient.Throttled || refusal.Operation == mpcclient.OperationLogin {
			return refusal, nil
		}
		p.stepWaiting()
	}
}

// waitTurn waits until the call may be made right now.
func (p *progress) waitTurn(ctx context.Context, permit *pace.Permit) error {
	for {
		p.r.schedule.count(&p.r.schedule.awaitingCommit, 1)
		err := p.ev.Lease.BeforeCall(ctx)
		p.r.schedule.count(&p.r.schedule.awaitingCommit, -1)
		if err != nil {
			return err
		}
		var newcomer time.Time // a task that was not called yet may be the next probe of an outage at once
		if p.last == nil {
			newcomer = p.ev.arrived
		}
		if err := permit.WaitNew(ctx, newcomer); err != nil {
			return err
		}
		// The wait may have been long, or this process may have slept.
		writable := p.ev.Lease.Writable()
		if writable && p.ev.Lease.MayCall() {
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

// send makes the call and notes its result.
func (p *progress) send(ctx context.Context, permit *pace.Permit) *mpcclient.Error {
	extent := p.r.schedule.extentOf(p.t) // events after this may tell of a failure of this very retry
	probe := !p.r.cfg.Gate.Available()
	p.ev.step(story.Step{Kind: story.Call})
	p.t.failedAt = time.Time{}
	err := p.r.cfg.API.Retry(context.WithoutCancel(ctx), p.t.id)
	before := p.r.cfg.Gate.Counters().RecentlyServed
	refusal := report(permit, err)
	p.r.cause.observe(refusal)
	if (refusal == nil || !refusal.Outage()) && p.r.cfg.Gate.Available() {
		p.r.schedule.served()
	}
	p.stepCalled(refusal)
	if refusal == nil || refusal.Operation != mpcclient.OperationLogin { // without a token nothing was sent
		p.attempts++
		p.extent = extent
	}
	if refusal != nil {
		p.refused(refusal, before, probe)
	}
	return refusal
}

// refused notes a call that was not accepted. before is how many requests MPC served right
// before it. probe: the circuit breaker was open.
func (p *progress) refused(refusal *mpcclient.Error, before int, probe bool) {
	now := p.r.cfg.Clock.Now()
	switch {
	case refusal.Class == mpcclient.Lost:
		p.doubt, p.clearAt, p.asked = lost, now.Add(p.r.cfg.Settle), false
	case refusal.Outage() && p.doubt == none:
		p.ev.Lease.CallHadNoEffect()
	}
	if refusal.Outage() && refusal.Class != mpcclient.Throttled {
		if p.last == nil && refusal.Operation != mpcclient.OperationLogin && p.r.cfg.Gate.Available() {
			p.logFirstFailure(refusal)
		}
		p.evidence.failed(p.r.cfg.Gate.Counters(), before, probe)
	}
	p.last, p.lastCall = refusal, now
}

// firstFailuresPerMinute bounds the log lines: an outage begins with many first failures.
const firstFailuresPerMinute = 10

// logFirstFailure tells operators of a task that may always fail, before its attempts are
// exhausted.
func (p *progress) logFirstFailure(refusal *mpcclient.Error) {
	if p.r.cfg.Tally.Among(firstFailuresPerMinute, logrus.WarnLevel, "a task's call failed") {
		p.r.cfg.Logger.WithFields(logrus.Fields{
			"task_id": p.t.id, "partition": p.ev.Source.Partition, "offset": p.ev.Source.Offset, "max_attempts": p.r.cfg.MaxAttempts,
		}).WithError(refusal).Warn("a task's call failed: it will be repeated, and each failure counts as an attempt only if MPC serves others meanwhile")
	}
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
