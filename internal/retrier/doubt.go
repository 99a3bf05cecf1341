package retrier

import (
	"context"

	"remux-retrier/events"
	"remux-retrier/internal/backoff"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// doubt is whether a call for the event may have been accepted unknown to us.
type doubt int

const (
	none    doubt = iota
	lost          // our own call's answer was lost
	crashed       // a former owner may have called
)

// codeNotFinal: the task is in progress or completed.
const codeNotFinal = "MPC.10213"

// settled: whatever was called for the event is known to have done nothing.
func (e *errand) settled() {
	e.doubt = none
	e.ev.Lease.Settled()
	e.acknowledged()
}

// ask asks for the task's state, and goes on asking for as long as FAILED may
// only mean that MPC has not come to the call yet. It also tells how long the logs
// were when the query was sent: if the task runs, its retry came after all failures
// that stood in them.
func (e *errand) ask(ctx context.Context) (state, map[int]int64, error) {
	for {
		state, ends, err := e.askOnce(ctx)
		if err != nil || state != failed {
			return state, ends, err
		}
		wait := e.clearAt.Sub(e.r.cfg.Clock.Now())
		if wait <= 0 {
			return failed, ends, nil
		}
		e.step(story.Step{Kind: story.Doubt, Until: e.clearAt, Detail: "the task has FAILED, but MPC may not have come to the call yet"})
		if err := e.pause(ctx, wait); err != nil {
			return unknown, nil, err
		}
	}
}

func (e *errand) askOnce(ctx context.Context) (state, map[int]int64, error) {
	e.r.turns.Add(1)
	defer e.r.turns.Add(-1)
	e.stepTurn()
	state, ends, err := e.r.inquirer.ask(ctx, e.ev)
	e.since.Ended++ // a question about the task itself is no witness, see exhausted
	e.since.Served++
	return state, ends, err
}

// askUntilTold asks until there is an answer. MPC may refuse to tell of one task; a
// call for it may have been accepted all the same, so it is not called for again
// before that is known.
func (e *errand) askUntilTold(ctx context.Context) (state, map[int]int64, error) {
	rest := backoff.Backoff{Base: firstRest, Max: longestRest, Rand: e.r.cfg.Rand}
	for said := false; ; said = true {
		state, ends, err := e.ask(ctx)
		if err != nil || state != untold {
			return state, ends, err
		}
		if !said {
			e.r.cfg.Logger.WithField("task_id", e.ev.Failure.TaskID).Warn("MPC refuses to tell a task's state, and a call for it may have been accepted: it is asked again until it tells")
		}
		wait := rest.Next()
		e.step(story.Step{Kind: story.Doubt, Until: e.r.cfg.Clock.Now().Add(wait), Detail: "MPC has refused to tell the task's state, and is asked again"})
		if err := e.pause(ctx, wait); err != nil {
			return unknown, nil, err
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
	state, _, err := e.ask(e.ev.Lease.Owned())
	if err != nil {
		return "", err
	}
	if reason := state.reason(); reason != "" {
		return reason, nil
	}
	// Without the state, a task that is not in its final state runs; and a call
	// that may have been accepted explains why the next was refused.
	if state != failed && (refusal.Code == codeNotFinal || e.doubt != none) {
		return events.AlreadyRunning, nil
	}
	return events.Rejected, nil
}
