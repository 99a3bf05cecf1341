package sweep

import (
	"slices"
	"time"

	"remux-retrier/internal/outcomes"
	"remux-retrier/mpcclient"
)

// isKnown reports whether the topics know this failure: an event of it waits, or is answered.
// listed is the time of the first request for the list.
//
// An event that waits covers the task's latest failure, whichever that is. Otherwise the
// latest outcome decides, compared with the time at which the task failed:
//
//   - A refusal answers the failures before it.
//   - After an accepted retry MPC runs the task again. If it ended since, it has failed
//     again. One that ended earlier is the failure that was retried.
//
// Clocks differ by the margin at most. A failure within the margin of a refusal counts as
// known; within that of an accepted retry as new, except if the retry was accepted less than
// the margin before the list was requested, or later: MPC may have listed the task before
// the retry. A later sweep finds it if it is new.
func isKnown(t mpcclient.ListedTask, k *outcomes.Task, listed time.Time) bool {
	if k == nil {
		return false
	}
	decided, retried := k.RetryFailed.At, false
	if !k.Retried.Before(decided) {
		decided, retried = k.Retried, true
	}
	ended := t.EndTime
	switch {
	case k.Waiting, slices.ContainsFunc(k.Ended, ended.Equal):
		return true
	case decided.IsZero():
		return false
	case ended.IsZero(): // it is not known which failure this is
		return true
	case !retried:
		return !ended.After(decided.Add(margin))
	case decided.After(listed.Add(-margin)):
		return !ended.After(decided)
	}
	return !ended.After(decided.Add(-margin))
}
