package story

import (
	"testing"
	"time"

	"remux-retrier/events"
)

func TestEveryKindIsTold(t *testing.T) {
	until := time.Date(2026, 11, 23, 10, 10, 5, 0, time.FixedZone("", 2*3600))
	earlier := until.Add(-time.Hour)
	refusal := &events.APIError{Status: 403, Code: "MPC.10212", Message: "Operation failed."}
	for _, c := range []struct {
		step Step
		want string
	}{
		{Step{Kind: Received}, "The failure event arrived here."},
		{Step{Kind: DuplicateWait}, "Waits for another event of the same task, which is being answered."},
		{Step{Kind: QuotaWait, Detail: "73 events before it", Until: until},
			"Waits for quota: 73 events before it, expected at about 08:10:05 UTC."},
		{Step{Kind: QuotaWait}, "Waits for quota."},
		{Step{Kind: OutageWait, Detail: "since 02:10:00 UTC."}, "Waits: MPC does not serve: since 02:10:00 UTC."},
		{Step{Kind: BackoffWait, Until: until, Detail: "attempt 3 of 5"}, "Backs off after a failed call: attempt 3 of 5; next at 08:10:05 UTC."},
		{Step{Kind: BackoffWait}, "Backs off after a failed call."},
		{Step{Kind: Doubt, Detail: "the answer was lost"}, "In doubt: the answer was lost."},
		{Step{Kind: Doubt, Detail: "MPC may be at work", Until: until}, "In doubt: MPC may be at work, next state query at 08:10:05 UTC."},
		{Step{Kind: Query}, "Queries the task's state."},
		{Step{Kind: State, State: "FAILED"}, "The task's state is: FAILED."},
		{Step{Kind: State, State: "not told", Error: refusal}, "MPC did not disclose the task's state: HTTP 403 MPC.10212 (Operation failed.)."},
		{Step{Kind: State, State: "not told", Error: &events.APIError{}, Detail: "reset"}, "MPC did not disclose the task's state: reset."},
		{Step{Kind: Call}, "Calls MPC to retry the task."},
		{Step{Kind: Refused, Error: refusal}, "MPC refused the call with HTTP 403 MPC.10212 (Operation failed.)."},
		{Step{Kind: Refused, Error: &events.APIError{}, Detail: "connection refused"}, "The call got no answer: connection refused."},
		{Step{At: earlier, Kind: Refused, Error: &events.APIError{Status: 502}, Detail: "it says nothing of the task", Times: 2, Last: until},
			"MPC refused the call with HTTP 502: it says nothing of the task. This happened 2 times, the last time at 08:10:05 UTC."},
		{Step{At: until.Add(-24 * time.Hour), Kind: OutageWait, Times: 2, Last: until},
			"Waits: MPC does not serve. This happened 2 times, the last time at 2026-11-23 08:10:05 UTC."},
		{Step{Kind: Accepted}, "MPC accepted the retry."},
		{Step{At: earlier, Kind: Skipped, Times: 9, Last: until}, "9 more steps are left out, the last at 08:10:05 UTC."},
		{Step{Kind: Answered, Reason: events.Accepted}, "Answered retried, accepted. MPC accepted the retry."},
		{Step{Kind: Published, Detail: "remux.retried"}, "The answer is published: remux.retried."},
		{Step{Kind: Recovered, Detail: "remux.recovered"}, "The task has succeeded after a retry; its recovery is published: remux.recovered."},
		{Step{Kind: GivenUp, Detail: "stopping"}, "Handed to the partition's new owner, without an answer: stopping."},
		{Step{Kind: DeadLetterWait, Detail: "not_json, it is empty"}, "Not a readable failure event; waits for the dead-letter topic: not_json, it is empty."},
		{Step{Kind: DeadLetter, Detail: "not_json"}, "Not a readable failure event; written to the dead-letter topic: not_json."},
		{Step{Kind: Ignored}, "Not a failure; ignored."},
		{Step{Kind: AnsweredBefore}, "Already answered, as the outcome topics show."},
	} {
		if got := c.step.Sentence(); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.step.Kind, got, c.want)
		}
	}
}
