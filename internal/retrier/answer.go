package retrier

import (
	"context"

	"remux-retrier/events"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// Queue takes a place for a failure event behind those of its task that were
// queued before: a partition's are to come in the order of their offsets, so that
// what is in doubt is settled before a later event is looked at. Queue does not
// wait. What it returns decides the event, and must be called once.
//
// That takes as long as it takes: an event whose turn has not come, or whose API
// is away, waits. It fails only when the context ends first; the event is then as
// undecided as it was. A call that is under way when the context ends is let end,
// and its answer counts.
func (r *Retrier) Queue(ev Event) (answer func(ctx context.Context) (*Answer, error)) {
	e := r.newErrand(ev)
	place := r.tasks.queue(ev.Failure.TaskID)
	return func(ctx context.Context) (*Answer, error) {
		e.step(story.Step{Kind: story.TwinWait})
		if err := place.wait(ctx); err != nil {
			return nil, err
		}
		defer place.leave()
		return e.decide(ctx)
	}
}

// decide is the decision, while no other event of the task is decided.
func (e *errand) decide(ctx context.Context) (*Answer, error) {
	// One call answers all that stood in the log when it was sent. An event that
	// came later tells of a later failure.
	decided, ok := e.r.cfg.Ledger.Covering(e.ev.Failure.TaskID, e.ev.Source)
	if ok && !e.outdated(decided) {
		return e.answerAs(decided), nil
	}
	for {
		// A former owner's call, or our own, may have been accepted though no
		// answer came: ask, before anything is called again.
		if e.doubt != none {
			e.stepDoubt()
			state, ends, err := e.askUntilTold(ctx)
			if err != nil {
				return nil, e.giveUp(err)
			}
			if e.doubt == crashed {
				e.covers = e.coversUpTo(ends) // what the log held when a former owner called is not known
			}
			if reason := state.reason(); reason != "" {
				return e.answer(reason, nil), nil
			}
			if state == failed {
				e.settled()
			} // else it cannot be asked for: a call will tell, see explain
			if ok { // nothing says that the refusal does not hold any more
				return e.answerAs(decided), nil
			}
		}
		if err := e.rest(ctx); err != nil {
			return nil, e.giveUp(err)
		}
		if reason := e.ruledOut(); reason != "" {
			return e.answerAlone(reason), nil
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
	}
}
