package retrier

import (
	"context"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/pace"
	"remux-retrier/mpcclient"
)

// firstRest and longestRest bound the wait between two calls for one event. The
// longest is long so that events that nothing helps stay a small part of the
// calls, however many they are.
const (
	firstRest   = time.Second
	longestRest = 5 * time.Minute
)

// An attempt counts against an event only if the API served others: nine of the ten
// requests right before it, and nine in ten of those that ended after it, which are
// to be so many.
const witnesses = pace.Last

// rest lets an event wait whose call failed, or had its answer lost and no effect:
// longer each time, but not while the API serves nobody, when the gate holds everybody back and every waiting event
// is to take its turn as the probe.
func (e *errand) rest(ctx context.Context) error {
	if e.last == nil {
		return nil
	}
	if e.last.Class == mpcclient.Throttled {
		e.backoff.Reset() // never the event's own doing
	}
	wait := e.backoff.Next()
	if !e.r.cfg.Gate.Available() {
		wait = min(wait, firstRest)
	}
	e.stepRest(wait)
	return e.pause(ctx, wait)
}

func (e *errand) pause(ctx context.Context, d time.Duration) error {
	e.r.resting.Add(1)
	defer e.r.resting.Add(-1)
	return e.r.cfg.Clock.Sleep(ctx, d)
}

// ruledOut is the reason for which the event is answered without a call, or
// without another one; empty: there is none. It is no reason for other events
// of the task: each has its own code, age and attempts. Code, age and budget do
// not rule out an event that somebody forced.
func (e *errand) ruledOut() events.Reason {
	switch forced := e.ev.Failure.Forced; {
	case !forced && e.r.skip[e.ev.Failure.ErrorCode]:
		return events.NotRetryable
	case !forced && e.stale && e.attempts == 0:
		return events.Expired
	case !forced && e.r.cfg.Budget > 0 && e.r.cfg.Ledger.Retries(e.ev.Failure.TaskID) >= e.r.cfg.Budget:
		return events.BudgetExhausted
	case e.exhausted():
		return events.AttemptsExhausted
	}
	return ""
}

// exhausted counts the last call against the event if it failed while the API
// served others, and tells whether that was one call too many. The judgement is
// made as late as possible, right before another call: what came after the failure
// shows whether it began an outage, and what came before whether it was one's last.
func (e *errand) exhausted() bool {
	if e.last == nil || e.last.Class == mpcclient.Throttled {
		return false
	}
	now := e.r.cfg.Gate.Tally()
	ended, served := now.Ended-e.since.Ended, now.Served-e.since.Served
	if e.before*10 >= witnesses*9 && ended >= witnesses && served*10 >= ended*9 && now.Outages == e.since.Outages && e.r.cfg.Gate.Available() {
		e.counted++
	}
	return e.counted >= e.r.cfg.MaxAttempts
}
