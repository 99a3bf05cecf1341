package retrier

import (
	"context"

	"remux-retrier/events"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// doubt is whether a call for the event may have been accepted without our knowledge.
type doubt int

const (
	none    doubt = iota
	lost          // the answer to our own call was lost
	crashed       // an earlier owner may have called
)

// notFailed are MPC's codes for a task that is in progress or has completed.
var notFailed = map[string]bool{"MPC.10213": true, "MPC.10218": true}

// clear queries the state of a task in doubt. It returns the reason that the state alone
// gives, or a time to wait. With neither, the doubt is over, or cannot be cleared because
// states cannot be queried; then the next call will tell, see explain.
func (e *run) clear(ctx context.Context) (events.Reason, pause, error) {
	if !e.asked {
		e.asked = true
		e.stepDoubt()
	}
	s, err := e.ask(ctx)
	if err != nil {
		return "", pause{}, err
	}
	if e.doubt == crashed && s.state != unknown {
		e.extent = s.extent // what the log held when an earlier owner called is unknown
	}
	switch {
	case s.state == undisclosed:
		// A call may still have been accepted, so the task is not called again before that
		// is known.
		if !e.logged {
			e.logged = true
			e.r.cfg.Logger.WithField("task_id", e.t.id).Warn("MPC refuses to disclose a task's state, and a call for the task may have been accepted: querying again until it answers")
		}
		wait := e.queryBackoff.Next()
		e.ev.step(story.Step{Kind: story.Doubt, Until: e.r.cfg.Clock.Now().Add(wait), Detail: "MPC refused to disclose the task's state; it is queried again"})
		return "", e.pause(settling, wait), nil
	case s.state == failed && s.sent.Before(e.clearAt):
		e.stepNotYet()
		return "", pause{phase: settling, due: e.clearAt}, nil
	case s.state == failed:
		e.t.failedAt = s.sent
		e.settled()
	}
	return s.reason(), pause{}, nil
}

// settled ends the doubt: the event's calls are known to have had no effect.
func (e *run) settled() {
	e.doubt = none
	e.ev.Lease.CallHadNoEffect()
}

// ask queries the task's state. If the task runs, its retry came after all failures that
// were in the logs when the request was sent.
func (e *run) ask(ctx context.Context) (taskState, error) {
	e.stepWaiting()
	s, err := e.r.status.ask(ctx, e.ev, func() extent { return e.r.extentOf(e.t) })
	e.evidence.exclude() // a query about the task itself says nothing about others
	return s, err
}

// explain finds the reason for a refusal that may have several. The current state decides,
// unless states cannot be queried. FAILED is trusted no sooner than after any lost answer:
// the call before this one may still be processed.
//
// It continues when no new work may begin: the answer is close, and a next owner would have
// to call again.
func (e *run) explain(refusal *mpcclient.Error) (events.Reason, error) {
	ctx := e.ev.Lease.Owned()
	for {
		s, err := e.ask(ctx)
		if err != nil {
			return "", err
		}
		if reason := s.reason(); reason != "" {
			return reason, nil
		}
		switch {
		case s.state == failed && s.sent.Before(e.clearAt):
			e.stepNotYet()
			if err := e.r.cfg.Clock.Sleep(ctx, e.clearAt.Sub(e.r.cfg.Clock.Now())); err != nil {
				return "", err
			}
		case s.state != failed && (notFailed[refusal.Code] || e.doubt != none):
			// Without the state, a task that is not FAILED by the refusal's code counts as
			// running. And a call that may have been accepted explains why the next one was
			// refused.
			return events.AlreadyRunning, nil
		default:
			return events.Rejected, nil
		}
	}
}
