package sweep

import (
	"testing"
	"time"

	"remux-retrier/internal/outcomes"
	"remux-retrier/mpcclient"
)

func TestAFailureIsKnownByItsEndTimeAgainstWhatWasAnswered(t *testing.T) {
	ended := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	after := func(d time.Duration) time.Time { return ended.Add(d) }
	refused := func(at time.Time) outcomes.Task { return outcomes.Task{RetryFailed: outcomes.Refusal{At: at}} }
	const hour = time.Hour
	for name, c := range map[string]struct {
		topics *outcomes.Task
		ended  time.Time
		known  bool
	}{
		"nothing is known of the task":                        {nil, ended, false},
		"its event waits":                                     {&outcomes.Task{Waiting: true}, ended, true},
		"an event of an older failure waits":                  {&outcomes.Task{Waiting: true, Retried: after(-hour)}, ended, true},
		"an event told of this failure":                       {&outcomes.Task{Ended: []time.Time{after(-hour), ended}, Retried: after(time.Second)}, ended, true},
		"it was told, accepted long ago, and is still FAILED": {&outcomes.Task{Ended: []time.Time{ended}, Retried: after(-2 * hour)}, ended, true},
		"an event told of an older failure only":              {&outcomes.Task{Ended: []time.Time{after(-hour)}, Retried: after(-hour + time.Second)}, ended, false},
		"refused after it failed":                             {ptr(refused(after(3 * time.Second))), ended, true},
		"refused by a clock that is behind":                   {ptr(refused(after(-40 * time.Second))), ended, true},
		"refused long before it failed again":                 {ptr(refused(after(-hour))), ended, false},
		"retried after it failed":                             {&outcomes.Task{Retried: after(hour)}, ended, true},
		"retried long before it failed again":                 {&outcomes.Task{Retried: after(-hour)}, ended, false},
		"retried and failed again, by a clock that is ahead":  {&outcomes.Task{Retried: after(40 * time.Second)}, ended, false},
		"refused once, retried since, and failed again":       {&outcomes.Task{RetryFailed: refused(after(-hour)).RetryFailed, Retried: after(-hour + time.Minute)}, ended, false},
		"retried once, refused since":                         {&outcomes.Task{RetryFailed: refused(after(time.Second)).RetryFailed, Retried: after(-hour)}, ended, true},
		"no end time, and an outcome":                         {ptr(refused(after(-hour))), time.Time{}, true},
		"no end time, and nothing known":                      {&outcomes.Task{}, time.Time{}, false},
	} {
		task := mpcclient.ListedTask{Task: mpcclient.Task{ID: "7"}, EndTime: c.ended}
		if got := isKnown(task, c.topics, after(2*hour)); got != c.known {
			t.Errorf("%s: known %v", name, got)
		}
	}
}

// MPC's list may be older than a retry that was accepted while it was read.
func TestARetryThatIsAcceptedDuringTheSweepIsNoNewFailure(t *testing.T) {
	ended := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	task := mpcclient.ListedTask{Task: mpcclient.Task{ID: "7"}, EndTime: ended}
	listed := ended.Add(2 * time.Second)
	if !isKnown(task, &outcomes.Task{Retried: ended.Add(3 * time.Second)}, listed) {
		t.Error("a failure that has just been answered counts as a new one")
	}
	if isKnown(task, &outcomes.Task{Retried: ended.Add(-time.Second)}, listed) {
		t.Error("a task that failed again right after its retry counts as known")
	}
}

func ptr[T any](v T) *T { return &v }
