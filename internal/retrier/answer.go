package retrier

import (
	"context"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

// Answer decides one failure event. It takes as long as it takes: an event whose
// turn has not come, or whose API is away, waits. It fails only when the context
// ends first; the event is then as undecided as it was. A call that is under way
// when the context ends is let end, and its answer counts.
func (r *Retrier) Answer(ctx context.Context, ev Event) (*Answer, error) {
	e := r.newErrand(ev)
	leave, err := r.tasks.enter(ctx, ev.Failure.TaskID)
	if err != nil {
		return nil, err
	}
	defer leave()

	for {
		// A former owner's call, or our own, may have been accepted though no
		// answer came: ask, before anything is called again.
		if e.doubt != none {
			state, err := e.ask(ctx)
			if err != nil {
				return nil, e.giveUp(err)
			}
			switch state {
			case running:
				return e.answer(events.AlreadyRunning, nil), nil
			case canceled:
				return e.answer(events.NotRetryable, nil), nil
			case absent:
				return e.answer(events.TaskNotFound, nil), nil
			case invalid:
				return e.answer(events.InvalidTask, nil), nil
			case failed:
				e.settled()
			case unknown:
				// The state cannot be asked for. A call will tell, see explain.
				if err := e.rest(ctx); err != nil {
					return nil, e.giveUp(err)
				}
			}
		}
		if reason := e.ruledOut(); reason != "" {
			return e.answer(reason, e.last), nil
		}

		refusal, err := e.call(ctx)
		if err != nil {
			return nil, e.giveUp(err)
		}
		switch {
		case refusal == nil:
			return e.answer(events.Accepted, nil), nil
		case refusal.Class == mpcclient.TaskNotFound:
			return e.answer(events.TaskNotFound, refusal), nil
		case refusal.Class == mpcclient.InvalidTask:
			return e.answer(events.InvalidTask, refusal), nil
		case !refusal.Outage():
			reason, err := e.explain(refusal)
			if err != nil {
				return nil, e.giveUp(err)
			}
			return e.answer(reason, refusal), nil
		}
		// The API did not do its work, or its answer was lost: that says nothing
		// about the task.
		if e.doubt == none {
			if err := e.rest(ctx); err != nil {
				return nil, e.giveUp(err)
			}
		}
	}
}
