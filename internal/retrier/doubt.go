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
func (p *progress) clear(ctx context.Context) (events.Reason, pause, error) {
	if !p.asked {
		p.asked = true
		p.stepDoubt()
	}
	s, err := p.ask(ctx)
	if err != nil {
		return "", pause{}, err
	}
	if p.doubt == crashed && s.state != unknown {
		p.extent = s.extent // what the log held when an earlier owner called is unknown
	}
	switch {
	case s.state == undisclosed:
		// A call may still have been accepted, so the task is not called again before that
		// is known.
		if !p.logged {
			p.logged = true
			p.r.cfg.Logger.WithField("task_id", p.t.id).Warn("MPC refuses to disclose a task's state, and a call for the task may have been accepted: querying again until it answers")
		}
		wait := p.queryBackoff.Next()
		p.ev.step(story.Step{Kind: story.Doubt, Until: p.r.cfg.Clock.Now().Add(wait), Detail: "MPC refused to disclose the task's state; it is queried again"})
		return "", p.pause(settling, wait), nil
	case s.state == failed && s.sent.Before(p.clearAt):
		p.stepNotYet()
		return "", pause{phase: settling, due: p.clearAt}, nil
	case s.state == failed:
		p.t.failedAt = s.sent
		p.settled()
	}
	return s.reason(), pause{}, nil
}

// settled ends the doubt: the event's calls are known to have had no effect.
func (p *progress) settled() {
	p.doubt = none
	p.ev.Lease.CallHadNoEffect()
}

// ask queries the task's state. If the task runs, its retry came after all failures that
// were in the logs when the request was sent.
func (p *progress) ask(ctx context.Context) (taskState, error) {
	p.stepWaiting()
	s, err := p.r.status.ask(ctx, p.ev, func() extent { return p.r.schedule.extentOf(p.t) })
	p.evidence.exclude() // a query about the task itself says nothing about others
	return s, err
}

// explain finds the reason for a refusal that may have several. The current state decides,
// unless states cannot be queried. FAILED is trusted no sooner than after any lost answer:
// the call before this one may still be processed.
//
// It continues when no new work may begin: the answer is close, and a next owner would have
// to call again.
func (p *progress) explain(refusal *mpcclient.Error) (events.Reason, error) {
	ctx := p.ev.Lease.Owned()
	for {
		s, err := p.ask(ctx)
		if err != nil {
			return "", err
		}
		if reason := s.reason(); reason != "" {
			return reason, nil
		}
		switch {
		case s.state == failed && s.sent.Before(p.clearAt):
			p.stepNotYet()
			if err := p.r.cfg.Clock.Sleep(ctx, p.clearAt.Sub(p.r.cfg.Clock.Now())); err != nil {
				return "", err
			}
		case s.state != failed && (notFailed[refusal.Code] || p.doubt != none):
			// Without the state, a task that is not FAILED by the refusal's code counts as
			// running. And a call that may have been accepted explains why the next one was
			// refused.
			return events.AlreadyRunning, nil
		default:
			return events.Rejected, nil
		}
	}
}
