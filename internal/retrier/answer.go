package retrier

import (
	"remux-retrier/events"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// answer publishes the outcome of the task's first event; t.write may have to write it. The
// ledger knows it before the task's next event is decided.
func (r *Retrier) answer(t *task, o *events.Outcome) {
	o.PreviousRetry = r.previousRetry(o)
	r.cfg.Ledger.Decided(*o)
	called := t.progress.attempts > 0 || t.progress.doubt != none
	ev, acknowledged := r.schedule.takeFirst(t, called)
	ev.step(story.Step{Kind: story.Answered, Reason: o.Reason})
	handed := false
	defer func() {
		if !handed { // it panicked
			acknowledged()
		}
	}()
	t.write = ev.Lease.Answer(o, acknowledged)
	handed = true
}

// answerAll returns an outcome that also answers every other event of the task that was in
// the log when the last call, or the query, was sent. Each gets it when its turn comes.
func (p *progress) answerAll(reason events.Reason, refusal *mpcclient.Error) *events.Outcome {
	o := p.outcome(reason, refusal)
	o.Covers = p.extent.covers
	// After a plain refusal another caller's retry runs; in doubt it is ours.
	o.AcceptedRetry = reason == events.AlreadyRunning && p.doubt != none
	if o.CountsAsRetry() {
		*o.Retries++
	}
	p.r.recent.add(p.t.id, p.extent.lastObservation, o)
	return o
}

// answerAlone returns an outcome for this event only.
func (p *progress) answerAlone(reason events.Reason) *events.Outcome {
	return p.outcome(reason, p.last)
}

// answerAs returns an outcome from an earlier decision of the group.
func (p *progress) answerAs(decided events.Outcome) *events.Outcome {
	o := p.outcome(decided.Reason, nil)
	switch {
	case sameEvent(decided.Source, p.ev.Source): // our own, never published
		o.Attempts, o.AcceptedRetry = decided.Attempts, decided.AcceptedRetry
		o.Covers, o.DecidedAt = decided.Covers, decided.DecidedAt
	case decided.CountsAsRetry() && decided.Attempts > 0:
		o.Reason = events.Covered
	case decided.Reason == events.AlreadyRunning && !decided.CountsAsRetry() && p.doubt != none:
		// A retry runs, and we may have called for this event: it counts as ours.
		o.AcceptedRetry = true
		*o.Retries++
	}
	return o
}

// previousRetry is the retry after which the task has failed again, as far as the offsets
// show. If the task runs without a retry of ours, it has not failed again: the event is a
// late report of the failure before, or another caller's retry runs.
func (r *Retrier) previousRetry(o *events.Outcome) *events.Retry {
	own := 0 // of the retries: the one that answers this event
	if o.Reason.Kind() == events.Retried {
		own = 1
	}
	if *o.Retries <= own || o.Reason == events.AlreadyRunning && !o.AcceptedRetry {
		return nil
	}
	if p, ok := r.cfg.Ledger.RetryBefore(o.Failure.TaskID, o.Source); ok {
		return &p
	}
	return nil
}

// outdated reports whether the decision is our own refusal of this event that was never
// published and may no longer apply: the partition may have had another owner meanwhile,
// whose call was accepted and who crashed.
func (p *progress) outdated(decided events.Outcome) bool {
	return p.doubt != none && decided.Reason.Kind() == events.RetryFailed && sameEvent(decided.Source, p.ev.Source)
}

// outcome is the common part of every outcome.
func (p *progress) outcome(reason events.Reason, refusal *mpcclient.Error) *events.Outcome {
	retries := p.r.cfg.Ledger.Retries(p.t.id)
	o := &events.Outcome{
		Reason: reason, Attempts: p.attempts, Retries: &retries, Source: p.ev.Source, Failure: p.ev.Failure,
		DecidedAt: p.r.cfg.Clock.Wall(), Origin: p.r.cfg.Origin,
	}
	if refusal != nil && refusal.Status != 0 { // else MPC did not answer
		o.Error = apiError(refusal)
	}
	return o
}

// sameEvent reports whether two sources are one event. Kafka keeps milliseconds.
func sameEvent(a, b events.Source) bool {
	return a.Topic == b.Topic && a.Partition == b.Partition && a.Offset == b.Offset &&
		a.Time.UnixMilli() == b.Time.UnixMilli()
}
