package retrier

import (
	"context"

	"remux-retrier/events"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// doubt is whether a call for the event may have been accepted unknown to us.
type doubt int

const (
	none    doubt = iota
	lost          // our own call's answer was lost
	crashed       // an earlier owner may have called
)

// notFinal are MPC's codes for a task that is in progress or has completed.
var notFinal = map[string]bool{"MPC.10213": true, "MPC.10218": true}

// clear asks for the state of a task in doubt. It gives the reason that the state
// alone is, or a time to wait for. With neither the doubt is over, or cannot be
// cleared because states cannot be asked for: then a call will tell, see explain.
func (e *run) clear(ctx context.Context) (events.Reason, pause, error) {
	if !e.asked {
		e.asked = true
		e.stepDoubt()
	}
	s, extent, err := e.ask(ctx)
	if err != nil {
		return "", pause{}, err
	}
	if e.doubt == crashed && s != unknown {
		e.extent = extent // what the log held when an earlier owner called is not known
	}
	now := e.r.cfg.Clock.Now()
	switch {
	case s == undisclosed:
		// A call may have been accepted all the same, so the task is not called again
		// before that is known.
		if !e.said {
			e.said = true
			e.r.cfg.Logger.WithField("task_id", e.t.id).Warn("MPC refuses to tell a task's state, and a call for it may have been accepted: it is asked again until it tells")
		}
		wait := e.askAgain.Next()
		e.ev.step(story.Step{Kind: story.Doubt, Until: now.Add(wait), Detail: "MPC has refused to tell the task's state, and is asked again"})
		return "", e.pause(settling, wait), nil
	case s == failed && now.Before(e.clearAt):
		e.stepNotYet()
		return "", pause{phase: settling, due: e.clearAt}, nil
	case s == failed:
		e.settled()
	}
	return s.reason(), pause{}, nil
}

// settled: whatever was called for the event is known to have done nothing.
func (e *run) settled() {
	e.doubt = none
	e.ev.Lease.Settled()
}

// ask asks for the task's state. It also tells what the logs held when the request
// was sent: if the task runs, its retry came after all failures that stood there.
func (e *run) ask(ctx context.Context) (state, extent, error) {
	e.stepTurn()
	s, x, err := e.r.status.ask(ctx, e.ev, func() extent { return e.r.extentOf(e.t) })
	e.evidence.exclude() // a question about the task itself says nothing of others
	return s, x, err
}

// explain finds the reason for a refusal that has several. What the state is
// now settles it, unless the state cannot be asked for. FAILED is believed no
// sooner than after any lost answer: the call before this one may be at work.
//
// It goes on when no new work may begin: the answer is near, and a next owner
// would have to call again.
func (e *run) explain(refusal *mpcclient.Error) (events.Reason, error) {
	ctx := e.ev.Lease.Owned()
	for {
		s, _, err := e.ask(ctx)
		if err != nil {
			return "", err
		}
		if reason := s.reason(); reason != "" {
			return reason, nil
		}
		wait := e.clearAt.Sub(e.r.cfg.Clock.Now())
		switch {
		case s == failed && wait > 0:
			e.stepNotYet()
			if err := e.r.cfg.Clock.Sleep(ctx, wait); err != nil {
				return "", err
			}
		case s != failed && (notFinal[refusal.Code] || e.doubt != none):
			// Without the state, a task that is not in its final state runs; and a call
			// that may have been accepted explains why the next was refused.
			return events.AlreadyRunning, nil
		default:
			return events.Rejected, nil
		}
	}
}
