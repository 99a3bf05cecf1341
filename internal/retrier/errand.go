package retrier

import (
	"context"
	"errors"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/backoff"
	"remux-retrier/internal/pace"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// errand is one event on its way to its answer.
type errand struct {
	r  *Retrier
	ev Event

	attempts int
	// covers are the events that stood in the log when the last call was sent, or
	// after a crash when the state was asked for.
	covers  []events.Cover
	last    *mpcclient.Error // how the last call failed
	since   pace.Tally       // what had ended by then
	before  int              // how many of the requests right before were served, of pace.Last
	counted int              // calls that failed for this event alone
	backoff backoff.Backoff
	stale   bool // was older than MaxAge when it came

	doubt doubt
	// clearAt is when FAILED ends the doubt.
	clearAt time.Time
	open    bool // holds a place among the called but not acknowledged
	// unpublished: it has its answer, and holds that place until Kafka has it.
	unpublished bool
}

func (r *Retrier) newErrand(ev Event) *errand {
	e := &errand{r: r, ev: ev, backoff: backoff.Backoff{Base: firstRest, Max: longestRest, Rand: r.cfg.Rand}}
	if age := r.cfg.Clock.Now().Sub(ev.Source.Time); r.cfg.MaxAge > 0 && age > r.cfg.MaxAge {
		e.stale = true
	}
	if ev.Source.Offset < ev.Lease.Doubtful() {
		e.doubt, e.clearAt = crashed, ev.Lease.Since().Add(r.cfg.Settle)
	}
	return e
}

// call makes one retry call. A nil refusal means that it was accepted.
func (e *errand) call(ctx context.Context) (refusal *mpcclient.Error, err error) {
	pass, err := e.admit(ctx)
	if err != nil {
		return nil, err
	}
	defer pass.Release()
	ends := e.ev.Lease.Ends() // after this, an event may tell of a failure of this very retry
	e.step(story.Step{Kind: story.Call})
	err = e.r.cfg.API.Retry(context.WithoutCancel(ctx), e.ev.Failure.TaskID)
	e.before = e.r.cfg.Gate.Tally().Lately
	refusal = report(pass, err)
	e.r.cause.heard(refusal)
	e.stepCalled(refusal)
	if refusal == nil || refusal.Operation != mpcclient.OperationLogin { // without a token nothing was sent
		e.attempts++
		e.covers = e.coversUpTo(ends)
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

// admit waits for all that a call needs: a place among the called, one among those
// in flight, and its turn.
func (e *errand) admit(ctx context.Context) (*pace.Permit, error) {
	e.r.turns.Add(1)
	defer e.r.turns.Add(-1)
	e.stepTurn()
	if !e.open {
		if err := counted(&e.r.opening, func() error { return e.r.open.Acquire(ctx) }); err != nil {
			return nil, err
		}
		e.open = true
	}
	pass, err := e.r.cfg.Gate.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if err := e.turn(ctx, pass); err != nil {
		if e.doubt == none {
			e.ev.Lease.Settled()
		}
		pass.Release()
		return nil, err
	}
	return pass, nil
}

// turn waits until the call may be made at this very moment.
func (e *errand) turn(ctx context.Context, pass *pace.Permit) error {
	for {
		if err := counted(&e.r.marking, func() error { return e.ev.Lease.BeforeCall(ctx) }); err != nil {
			return err
		}
		if err := pass.Wait(ctx); err != nil {
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
func report(pass *pace.Permit, err error) *mpcclient.Error {
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

func (e *errand) giveUp(err error) error {
	e.acknowledged()
	return err
}

func (e *errand) acknowledged() {
	if e.unpublished {
		e.unpublished = false
		e.r.unpublished.Add(-1)
	}
	if e.open {
		e.open = false
		e.r.open.Release()
	}
}
