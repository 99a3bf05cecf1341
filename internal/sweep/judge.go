package sweep

import (
	"slices"
	"time"

	"remux-retrier/internal/outcomes"
	"remux-retrier/mpcclient"
)

// isKnown tells whether the topics know of this failure: whether an event that tells of
// it waits or is answered. listed is when MPC was first asked for the list.
//
// An event that waits answers whatever failure the task has by now. Otherwise the latest
// outcome decides, by the time at which the task failed:
//
//   - A refusal answers a failure before it.
//   - After an accepted retry MPC runs the task again. If it is FAILED now, it has failed
//     again, unless the retry was accepted while the list was being read.
//
// Clocks differ by the margin at most. A failure that may be a new one only because they
// do counts as known; the next sweep, when the outcome is old, finds it.
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
	case ended.IsZero(): // no telling which failure it is
		return true
	case !retried:
		return !ended.After(decided.Add(margin))
	case decided.After(listed.Add(-margin)):
		return !ended.After(decided)
	}
	return !ended.After(decided.Add(-margin))
}
