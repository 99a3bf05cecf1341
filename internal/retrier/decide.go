package retrier

import (
	"context"
	"errors"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/backoff"
	"remux-retrier/mpcclient"
)

// progress is that of one event towards its answer.
type progress struct {
	r  *Retrier
	t  *task
	ev *event

	attempts int
	// extent is what was in the logs when the last call was sent, or, after a crash, when
	// the state was queried.
	extent   extent
	last     *mpcclient.Error // how the last call failed; nil: no call failed
	backoff  backoff.Backoff
	waited   bool      // since the last call
	lastCall time.Time // when it ended
	evidence evidence

	doubt doubt
	// clearAt: the state FAILED ends the doubt if its query was sent then or later.
	clearAt time.Time
	asked   bool // the state was queried, in this doubt
	// queryBackoff spaces the queries while MPC refuses to disclose the task's state.
	// logged: that was logged.
	queryBackoff backoff.Backoff
	logged       bool
}

func (r *Retrier) newProgress(t *task, ev *event) *progress {
	p := &progress{r: r, t: t, ev: ev}
	p.backoff = backoff.Backoff{Base: firstBackoff, Max: longestBackoff, Rand: r.cfg.Rand}
	p.queryBackoff = p.backoff
	if ev.Lease.InDoubt() {
		p.doubt, p.clearAt = crashed, ev.Lease.GenerationStart().Add(r.cfg.Settle)
		if t.failedAt.After(p.clearAt) {
			p.settled() // by the query for an earlier event
		}
	}
	return p
}

// work decides a task's events one after the other. It ends when none is left, or when the
// next step needs something that others must not wait for: a time or a slot.
func (r *Retrier) work(t *task) pause {
	for {
		ev := r.schedule.first(t)
		if ev == nil {
			return pause{}
		}
		if t.write != nil { // deciding the next event may take long
			ev.Lease.Go(t.write)
			t.write = nil
		}
		if ev.Failure.Succeeded {
			r.schedule.takeFirst(t, false)
			ev.Lease.Succeeded(&ev.Failure)
			continue
		}
		if t.progress == nil {
			t.progress = r.newProgress(t, ev)
		}
		o, wait, err := t.progress.decide(ev.Lease.Context())
		switch {
		case err != nil: // the generation ends: Release gives up the rest
			return pause{phase: ending}
		case o == nil:
			return wait
		}
		r.answer(t, o)
	}
}

// pause is what a task waits for outside its goroutine: a time, or with phase ending the end
// of the generation. The zero value, phase ready, means no wait, except for a slot if the
// task needs one.
type pause struct {
	phase  phase
	due    time.Time // when the task continues
	outage bool      // it backs off because MPC serves no task
}

func (p *progress) pause(next phase, d time.Duration) pause {
	return pause{phase: next, due: p.r.cfg.Clock.Now().Add(d)}
}

// decide decides one event. Only one event of a task is decided at a time. It returns an
// outcome, or what must be waited for: then it is called again, and starts over with what
// is known by then. It fails only when the context ends first; the event is then still
// undecided. A call in flight when the context ends is completed, and its answer counts.
func (p *progress) decide(ctx context.Context) (*events.Outcome, pause, error) {
	// One call answers all events that were in the log when it was sent. A later event
	// reports a later failure.
	decided, covered := p.r.covering(p.ev)
	if covered && !p.outdated(decided) {
		return p.answerAs(decided), pause{}, nil
	}
	// A call of an earlier owner, or our own, may have been accepted without an answer:
	// query the state before anything is called again.
	if p.doubt != none {
		reason, wait, err := p.clear(ctx)
		switch {
		case err != nil || wait.phase != ready:
			return nil, wait, err
		case reason != "":
			return p.answerAll(reason, nil), pause{}, nil
		case covered: // nothing shows that the refusal no longer applies
			return p.answerAs(decided), pause{}, nil
		}
	}
	// The last call failed, or its answer was lost: back off once before the next one.
	if p.last != nil && !p.waited {
		p.waited = true
		return nil, p.backOff(), nil
	}
	// After MaxAttempts failures: wait until the last one is judged and the next one could
	// count, up to longestBackoff after the last call.
	if wait := p.moreSamples(); wait > 0 {
		return nil, p.pause(backingOff, wait), nil
	}
	// A call cannot help (code, age), is beyond the task's budget, or has failed too often:
	// answer without one.
	if reason := p.ruledOut(); reason == events.AttemptsExhausted {
		return p.answerAll(reason, p.last), pause{}, nil
	} else if reason != "" {
		return p.answerAlone(reason), pause{}, nil
	}
	// No call while its outcome could not be written.
	if !p.ev.Lease.Writable() {
		return nil, p.block(), nil
	}
	// A call needs a slot. A task without one queues for it.
	if !p.r.schedule.takeSlot(p.t) {
		return nil, pause{phase: ready}, nil
	}
	refusal, err := p.call(ctx)
	switch {
	case errors.Is(err, errBlocked):
		return nil, p.block(), nil
	case err != nil:
		return nil, pause{}, err
	case refusal == nil:
		return p.answerAll(events.Accepted, nil), pause{}, nil
	case refusal.Class == mpcclient.TaskNotFound:
		return p.answerAll(events.TaskNotFound, refusal), pause{}, nil
	case refusal.Class == mpcclient.InvalidTask:
		return p.answerAll(events.InvalidTask, refusal), pause{}, nil
	case !refusal.Outage():
		reason, err := p.explain(refusal)
		if err != nil {
			return nil, pause{}, err
		}
		return p.answerAll(reason, refusal), pause{}, nil
	}
	// The API did not do its work, or its answer was lost. That says nothing about the task:
	// start over. The task backs off; after a lost answer its state is queried first.
	p.waited = false
	return p.decide(ctx)
}

// blockedFor is how long a task waits when Kafka could not store its answer.
const blockedFor = 250 * time.Millisecond

func (p *progress) block() pause {
	p.stepBlocked()
	return p.pause(blocked, blockedFor)
}

// ruledOut is the reason to answer the event without a call, or without another one; empty:
// none.
func (p *progress) ruledOut() events.Reason {
	reason := p.r.ruledOut(p.ev, p.attempts)
	if reason == "" && p.exhausted() {
		return events.AttemptsExhausted
	}
	return reason
}

// ruledOut is the same, ignoring the results of calls. Failure code, age and budget do not
// rule out a forced event.
func (r *Retrier) ruledOut(ev *event, attempts int) events.Reason {
	switch f := &ev.Failure; {
	case f.Forced:
		return ""
	case r.skip[f.ErrorCode]:
		return events.NotRetryable
	case ev.stale && attempts == 0:
		return events.Expired
	case r.cfg.Budget > 0 && r.cfg.Ledger.Retries(f.TaskID) >= r.cfg.Budget:
		return events.BudgetExhausted
	}
	return ""
}

// needsCall reports whether a new event can only be answered by a call, as far as known
// now. Then it need not start before there is a slot.
func (r *Retrier) needsCall(ev *event) bool {
	if ev.Lease.InDoubt() {
		return false
	}
	_, covered := r.covering(ev)
	return !covered && r.ruledOut(ev, 0) == ""
}

// covering returns the decision that also answers this event.
func (r *Retrier) covering(ev *event) (events.Outcome, bool) {
	decided, covered := r.cfg.Ledger.Covering(ev.Failure.TaskID, ev.Source)
	if !covered {
		decided, covered = r.recent.covering(ev.Failure.TaskID, ev.Lease.FirstObserved())
	}
	return decided, covered
}
