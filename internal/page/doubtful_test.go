package page

import (
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/history"
)

// over is a failure event that the group skipped an hour ago.
func over() history.Entry {
	e := asked(time.Hour, false)
	e.Failure.Skipped = true
	return e
}

func TestWhatWasPassedOverIsNotSaidToWait(t *testing.T) {
	for name, c := range map[string]struct {
		e    evidence
		want string
	}{
		"nothing else is known":        {evidence{topics: knows(over())}, skippedEvent},
		"after an answer":              {evidence{topics: knows(replied(2*time.Hour, events.Accepted), over())}, skippedEvent},
		"before another event's":       {evidence{topics: knows(over(), asked(time.Minute, true), replied(time.Minute, events.Accepted))}, "accepted"},
		"before one that waits":        {evidence{topics: knows(over(), asked(time.Minute, false))}, inTopic},
		"it has an owner all the same": {evidence{topics: knows(over()), owner: &Owner{3, "retrier-1", false}}, skippedEvent},
	} {
		c.e.now = noon
		got := c.e.verdict()
		if got.Code != c.want || got.Code == skippedEvent && (!strings.Contains(got.Text, "offset 1042 of partition 3") || !strings.Contains(got.Text, "`remux-retrier retry TASK_ID`")) {
			t.Errorf("%s: %+v, want %s", name, got, c.want)
		}
	}
}
