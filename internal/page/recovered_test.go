package page

import (
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/history"
	"remux-retrier/internal/story"
)

// succeeded is a recovery in the topics, so long ago.
func succeeded(ago time.Duration) history.Entry {
	return history.Entry{Kind: history.Recovered, At: noon.Add(-ago), Recovery: &history.Success{Retries: 2, EventTime: noon.Add(-ago)}}
}

func TestASuccessIsTheLastWordUntilTheTaskFailsAgain(t *testing.T) {
	own := answeredStory("538526", events.Accepted) // an hour ago
	for hazard, c := range map[string]struct {
		e    evidence
		want string
	}{
		"after the answer in the topics": {evidence{topics: knows(asked(2*time.Hour, true), replied(2*time.Hour, events.Accepted), succeeded(time.Minute))}, recovered},
		"after this instance's answer":   {evidence{stories: []story.Story{own}, topics: knows(asked(time.Hour, true), succeeded(time.Minute))}, recovered},
		"before this instance's answer":  {evidence{stories: []story.Story{own}, topics: knows(asked(3*time.Hour, true), succeeded(2*time.Hour))}, string(events.Accepted)},
		"before a later answer":          {evidence{topics: knows(succeeded(time.Hour), replied(time.Minute, events.BudgetExhausted))}, string(events.BudgetExhausted)},
		"before a later failure":         {evidence{topics: knows(succeeded(time.Hour), asked(time.Minute, false))}, inTopic},
		"and an event under way":         {evidence{stories: []story.Story{a(story.Step{Kind: story.Call})}, topics: knows(succeeded(time.Minute))}, atWork},
		"alone":                          {evidence{topics: knows(succeeded(time.Minute))}, recovered},
	} {
		c.e.now, c.e.status = noon, healthy()
		got := c.e.verdict()
		if got.Code != c.want {
			t.Errorf("%s: %+v, want %s", hazard, got, c.want)
		}
		if c.want == recovered && (!strings.Contains(got.Text, "2 retries were accepted") || !strings.Contains(got.Text, "It succeeded at ")) {
			t.Errorf("%s: %s", hazard, got.Text)
		}
	}
}

// Without the topics, this instance's own recovery tells of the success.
func TestARecoveryThatThisInstancePublishedIsASuccessWithoutTheTopics(t *testing.T) {
	own := a(story.Step{Kind: story.Recovered, Detail: "remux.recovered"})
	got := evidence{now: noon, status: healthy(), stories: []story.Story{answeredStory("538526", events.Accepted), own}}.verdict()
	if got.Code != recovered || !strings.Contains(got.Text, "its recovery is published: remux.recovered") {
		t.Errorf("%+v", got)
	}
	if done := latest([]story.Story{own}).Latest[0]; done.Outcome != "recovered" || done.Text != "remux.recovered" {
		t.Errorf("in the list of the latest answers: %+v", done)
	}
}

func TestTheFirstOfTwoRecoveriesOfARetryCounts(t *testing.T) {
	repeat := succeeded(time.Minute)
	repeat.Recovery.Repeat = true
	e := evidence{now: noon, status: healthy(), topics: knows(succeeded(time.Hour), replied(30*time.Minute, events.BudgetExhausted), repeat)}
	if got := e.verdict(); got.Code != string(events.BudgetExhausted) {
		t.Errorf("the task has failed since: %+v", got)
	}
}

func TestASuccessWithoutTimeIsSaidToHaveNone(t *testing.T) {
	for _, at := range []time.Time{time.UnixMilli(-1), time.UnixMilli(0)} {
		entry := succeeded(time.Minute)
		entry.Recovery.EventTime = at
		got := evidence{now: noon, status: healthy(), topics: knows(entry)}.verdict()
		if got.Code != recovered || strings.Contains(got.Text, "19") || !strings.Contains(got.Text, "at a time that is not known") {
			t.Errorf("%+v", got)
		}
	}
}
