package page

import (
	"strings"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"remux-retrier/events"
	"remux-retrier/internal/history"
	"remux-retrier/internal/story"
)

func nullLogger() logrus.FieldLogger {
	quiet, _ := test.NewNullLogger()
	return quiet
}

// a is a story of steps, one second apart, that began an hour ago.
func a(steps ...story.Step) story.Story {
	s := story.Story{TaskID: "538526", Source: events.Source{Topic: "remux.failed", Partition: 3, Offset: 1042, Time: noon.Add(-time.Hour)}}
	for i, step := range append([]story.Step{{Kind: story.Received}}, steps...) {
		step.At = noon.Add(-time.Hour + time.Duration(i)*time.Second)
		s.Steps = append(s.Steps, step)
		s.Finished = step.Kind.Ends()
	}
	return s
}

func answeredStory(id string, reason events.Reason) story.Story {
	s := a(story.Step{Kind: story.Answered, Reason: reason}, story.Step{Kind: story.Published, Detail: "remux"})
	retries := 3
	s.TaskID, s.Outcome = id, &events.Outcome{Reason: reason, Retries: &retries, Attempts: 2, Error: &events.APIError{Status: 403, Code: "MPC.10212"}}
	return s
}

// asked and replied are entries in the topics, so long ago.
func asked(ago time.Duration, answered bool) history.Entry {
	return history.Entry{Kind: history.FailureEvent, At: noon.Add(-ago), Partition: 3, Offset: 1042, Failure: &history.Failure{Answered: answered}}
}

func replied(ago time.Duration, reason events.Reason) history.Entry {
	return history.Entry{Kind: history.Outcome, At: noon.Add(-ago), Outcome: &history.Answer{Outcome: reason.Kind(), Reason: reason, Attempts: 1, Partition: 3, Offset: 1042}}
}

// lay is a dead letter, keyed by the task id or only mentioning it.
func lay(ago time.Duration, keyed bool) history.Entry {
	return history.Entry{Kind: history.DeadLetter, At: noon.Add(-ago), DeadLetter: &history.Letter{Reason: events.NotJSON, Count: 1, Keyed: keyed}}
}

func knows(entries ...history.Entry) *history.History {
	return &history.History{Complete: true, Since: noon.Add(-24 * time.Hour), Entries: entries}
}

func TestEveryReasonSaysWhetherTheTaskWasRetried(t *testing.T) {
	for _, reason := range events.Reasons() {
		got := evidence{now: noon, stories: []story.Story{answeredStory("538526", reason)}}.verdict()
		retried := strings.HasPrefix(got.Title, "Retried: ") || strings.HasPrefix(got.Title, "Covered: ")
		failed := strings.HasPrefix(got.Title, "Not retried: ")
		if got.Code != string(reason) || !strings.Contains(got.Text, reason.Message()) || retried != (reason.Kind() == events.Retried) || retried == failed {
			t.Errorf("%s: %+v", reason, got)
		}
	}
}

func TestTheVerdictOnATask(t *testing.T) {
	outage := inAnOutage()
	quota := healthy()
	quota.Flow.Waiting.Quota = 57
	ahead := answeredStory("538526", events.Accepted)
	ahead.Source.Time = noon.Add(time.Hour)
	for _, c := range []struct {
		hazard string
		e      evidence
		want   string
		says   string
	}{
		{"the topics have nothing about it", evidence{topics: knows()}, neverSeen, "the last 24 hours"},
		{"the topics were not asked", evidence{}, notKnownHere, ""},
		{"not all was read", evidence{topics: &history.History{}}, notKnownHere, "explain"},
		{"the budget says how much", evidence{stories: []story.Story{answeredStory("538526", events.BudgetExhausted)}}, "budget_exhausted", "3 retries were accepted"},
		{"unreadable", evidence{stories: []story.Story{a(story.Step{Kind: story.DeadLetter, Detail: "not_json"})}}, deadLetter, "redrive"},
		{"a new failure after an old answer", evidence{stories: []story.Story{answeredStory("538526", events.Accepted), a(story.Step{Kind: story.QuotaWait})}, status: quota}, QuotaWait, ""},
		{"another instance answered later", evidence{stories: []story.Story{answeredStory("538526", events.Rejected)}, topics: knows(asked(50*time.Minute, true), replied(49*time.Minute, events.Accepted))}, "accepted", ""},
		{"it left this instance, and another answered", evidence{stories: []story.Story{a(story.Step{Kind: story.GivenUp})}, topics: knows(asked(time.Hour, true), replied(30*time.Minute, events.Expired))}, "expired", ""},
		{"it left this instance, and waits elsewhere", evidence{stories: []story.Story{a(story.Step{Kind: story.GivenUp})}, topics: knows(asked(time.Hour, false)), owner: &Owner{3, "retrier-1", false}}, inTopic, "retrier-1 owns that partition"},
		{"it left this instance, the topics are silent", evidence{stories: []story.Story{a(story.Step{Kind: story.GivenUp})}}, givenUp, ""},
		{"answered before this instance read it", evidence{stories: []story.Story{a(story.Step{Kind: story.AnsweredBefore})}, topics: knows(asked(time.Hour, true), replied(30*time.Minute, events.Covered))}, "covered", ""},
		{"answered while the topics were read", evidence{stories: []story.Story{answeredStory("538526", events.Accepted)}, topics: knows(asked(time.Hour, false))}, "accepted", ""},
		{"answered while the topics were read, by a clock that is ahead", evidence{stories: []story.Story{ahead}, topics: knows(asked(-time.Hour, false))}, "accepted", ""},
		{"a producer's clock is ahead", evidence{stories: []story.Story{answeredStory("538526", events.Accepted)}, topics: knows(asked(-time.Hour, true), replied(time.Hour, events.Accepted))}, "accepted", ""},
		{"no instance owns it", evidence{topics: knows(asked(time.Hour, false)), owner: &Owner{3, "", false}}, inTopic, "No instance owns"},
		{"here, and the partition cannot be read", evidence{status: Status{Partitions: []Partition{{Partition: 3, Problem: "fetching: refused"}}}, topics: knows(asked(time.Hour, false)), owner: &Owner{3, "retrier-0", true}}, inTopic, "cannot read it: fetching: refused."},
		{"here, not read yet", evidence{status: outage, topics: knows(asked(time.Hour, false)), owner: &Owner{3, "retrier-0", true}}, inTopic, "MPC does not serve"},
		{"a dead letter in the topics", evidence{topics: knows(lay(0, true))}, deadLetter, "not_json"},
		{"a repeat is no later answer", evidence{topics: knows(replied(time.Hour, events.Accepted), history.Entry{At: noon, Outcome: &history.Answer{Reason: events.Rejected, Repeat: true}})}, "accepted", ""},
	} {
		c.e.now = noon
		if got := c.e.verdict(); got.Code != c.want || !strings.Contains(got.Text, c.says) || got.Title == "" {
			t.Errorf("%s: %+v, want %s: …%s…", c.hazard, got, c.want, c.says)
		}
	}
}

func TestAMentionIsNotSaidToBeTheTasksEvent(t *testing.T) {
	for keyed, title := range map[bool]string{true: "Not retried: its event is a dead letter", false: "A dead letter mentions it"} {
		got := evidence{now: noon, topics: knows(lay(time.Hour, keyed))}.verdict()
		if got.Code != deadLetter || got.Title != title || strings.Contains(got.Text, "may belong to another task") == keyed {
			t.Errorf("keyed %v: %+v", keyed, got)
		}
	}
}

func TestADeadLettersVerdictSaysWhatToDo(t *testing.T) {
	for name, e := range map[string]evidence{
		"keyed":   {topics: knows(lay(time.Hour, true))},
		"mention": {topics: knows(lay(time.Hour, false))},
		"story":   {stories: []story.Story{a(story.Step{Kind: story.DeadLetter, Detail: "not_json"})}},
	} {
		got := e.verdict().Text
		if !strings.Contains(got, "`remux-retrier retry TASK_ID`") || !strings.Contains(got, "`remux-retrier redrive --task TASK_ID`") || strings.Contains(got, "producer") {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestAMentionHidesNothingThatIsKnownOfTheTask(t *testing.T) {
	mention := lay(time.Minute, false)
	for want, e := range map[string]evidence{
		"accepted":             {topics: knows(replied(time.Hour, events.Accepted), mention)},
		"rejected":             {topics: knows(mention), stories: []story.Story{answeredStory("538526", events.Rejected)}},
		inTopic:                {topics: knows(asked(time.Hour, false), mention)},
		string(events.Expired): {topics: knows(mention, replied(0, events.Expired))},
	} {
		if got := e.verdict(); got.Code != want {
			t.Errorf("%+v, want %s", got, want)
		}
	}
	keyed := evidence{topics: knows(lay(time.Hour, true), mention)}
	if got := keyed.verdict(); !strings.HasPrefix(got.Title, "Not retried: ") {
		t.Errorf("its own letter: %+v", got)
	}
	part := evidence{topics: &history.History{Entries: []history.Entry{mention}}}
	if got := part.verdict(); got.Code != deadLetter {
		t.Errorf("not all was read: %+v", got)
	}
}
