package retrier

import (
	"slices"

	"remux-retrier/events"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// covers are stretches up to these ends, in the order of the partitions.
func (e *errand) coversUpTo(ends map[int]int64) []events.Cover {
	list := make([]events.Cover, 0, len(ends))
	for partition, end := range ends {
		list = append(list, events.Cover{Partition: partition, End: end, Log: e.ev.Lease.Log(partition)})
	}
	slices.SortFunc(list, func(a, b events.Cover) int { return a.Partition - b.Partition })
	return list
}

// answer ends the errand with a reason that holds for every event of the task
// that stood in the log by then.
func (e *errand) answer(reason events.Reason, refusal *mpcclient.Error) *Answer {
	o := e.outcome(reason, refusal)
	o.Covers = e.covers
	// After a plain refusal somebody else's retry runs; in doubt it is ours.
	o.AcceptedRetry = reason == events.AlreadyRunning && e.doubt != none
	if o.CountsAsRetry() {
		*o.Retries++
	}
	return e.end(o)
}

// answerAlone ends it with a reason that is this event's own.
func (e *errand) answerAlone(reason events.Reason) *Answer {
	return e.end(e.outcome(reason, e.last))
}

// answerAs ends it with a decision that the group made before.
func (e *errand) answerAs(decided events.Outcome) *Answer {
	o := e.outcome(decided.Reason, nil)
	switch {
	case same(decided.Source, e.ev.Source): // our own, never published
		o.Attempts, o.AcceptedRetry = decided.Attempts, decided.AcceptedRetry
		o.Covers, o.DecidedAt = decided.Covers, decided.DecidedAt
	case decided.CountsAsRetry() && decided.Attempts > 0:
		o.Reason = events.Covered
	case decided.Reason == events.AlreadyRunning && !decided.CountsAsRetry() && e.doubt != none:
		// Somebody's retry runs, and we may have called for this event: it is ours.
		o.AcceptedRetry = true
		*o.Retries++
	}
	return e.end(o)
}

// outdated: our own refusal of this event, which was never published. Meanwhile the
// partition may have had another owner, whose call was accepted and who died.
func (e *errand) outdated(decided events.Outcome) bool {
	return e.doubt != none && decided.Reason.Kind() == events.RetryFailed && same(decided.Source, e.ev.Source)
}

// outcome is what every answer has.
func (e *errand) outcome(reason events.Reason, refusal *mpcclient.Error) events.Outcome {
	retries := e.r.cfg.Ledger.Retries(e.ev.Failure.TaskID)
	o := events.Outcome{
		Reason: reason, Attempts: e.attempts, Retries: &retries, Source: e.ev.Source, Failure: e.ev.Failure,
		DecidedAt: e.r.cfg.Clock.Now(), Origin: e.r.cfg.Origin,
	}
	if refusal != nil {
		o.Error = apiError(refusal)
	}
	return o
}

// end has the ledger know the answer before the next event of the task is let in.
func (e *errand) end(o events.Outcome) *Answer {
	e.r.cfg.Ledger.Decided(o)
	e.step(story.Step{Kind: story.Answered, Reason: o.Reason})
	if e.open {
		e.unpublished = true
		e.r.unpublished.Add(1)
	}
	return &Answer{Outcome: o, release: e.acknowledged}
}

// same tells whether two sources are one event. Kafka keeps milliseconds.
func same(a, b events.Source) bool {
	return a.Topic == b.Topic && a.Partition == b.Partition && a.Offset == b.Offset &&
		a.Time.UnixMilli() == b.Time.UnixMilli()
}
