package page

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/history"
	"remux-retrier/internal/story"
)

func TestATaskIsToldFromMemoryAndTopics(t *testing.T) {
	s := newSource()
	s.stories = []story.Story{answeredStory("538526", events.Accepted)}
	s.stories[0].Failure.UserData = "asset-93f1"
	s.topics = func(context.Context) (history.History, error) {
		return *knows(asked(time.Hour, true), replied(time.Hour, events.Accepted)), nil
	}
	s.status.Partitions = []Partition{{Partition: 3}}
	got := decode[Task](t, get(newPage(t, s), "/api/tasks/538526"))
	if got.Verdict.Code != "accepted" || len(got.Stories) != 1 || len(got.Stories[0].Steps) != 3 || got.Stories[0].Outcome != "retried" || len(got.Topics.Entries) != 2 {
		t.Errorf("%+v", got)
	}
	if got.Stories[0].UserData != "asset-93f1" {
		t.Errorf("its producer's user data is missing: %+v", got.Stories[0])
	}
	if want := (Owner{3, "retrier-0", true}); *got.Owner != want {
		t.Errorf("%+v", got.Owner)
	}
}

func TestATaskOfAnotherInstanceNamesIt(t *testing.T) {
	s := newSource()
	s.owner = "retrier-1"
	if got := decode[Task](t, get(newPage(t, s), "/api/tasks/538526")); *got.Owner != (Owner{6, "retrier-1", false}) {
		t.Errorf("%+v", got.Owner)
	}
}

// Some producers key by something else: then the record is not in the id's own partition,
// which is 6 here.
func TestTheOwnerIsThatOfTheRecordsOwnPartition(t *testing.T) {
	here := a(story.Step{Kind: story.QuotaWait})
	here.Source.Partition = 1
	later := asked(time.Minute, true)
	later.Partition = 2
	letter := lay(time.Minute, true)
	letter.DeadLetter.Partition = 5
	for _, c := range []struct {
		hazard  string
		stories []story.Story
		topics  []history.Entry
		want    int
	}{
		{"being answered here", []story.Story{answeredStory("538526", events.Accepted), here}, []history.Entry{asked(time.Hour, true)}, 1},
		{"answered here, and the topics know nothing", []story.Story{answeredStory("538526", events.Accepted)}, nil, 3},
		{"only the topics know it", nil, []history.Entry{asked(time.Hour, true), replied(time.Hour, events.Accepted)}, 3},
		{"its failure event is deleted already", nil, []history.Entry{replied(time.Hour, events.Accepted)}, 3},
		{"an earlier one waits", nil, []history.Entry{later, asked(time.Hour, false), replied(time.Second, events.Accepted)}, 3},
		{"a dead letter", nil, []history.Entry{letter}, 5},
		{"another task's dead letter mentions it", nil, []history.Entry{lay(time.Minute, false)}, 6},
		{"its partition is unknown", nil, nil, 6},
	} {
		s := newSource()
		s.stories, s.owner = c.stories, "retrier-1"
		s.topics = func(context.Context) (history.History, error) { return *knows(c.topics...), nil }
		if got := decode[Task](t, get(newPage(t, s), "/api/tasks/538526")); *got.Owner != (Owner{c.want, "retrier-1", false}) {
			t.Errorf("%s: %+v, want partition %d", c.hazard, got.Owner, c.want)
		}
	}
}

func TestTopicsThatCannotBeReadLeaveTheRest(t *testing.T) {
	s := newSource()
	s.stories = []story.Story{answeredStory("538526", events.Accepted)}
	s.topics = func(context.Context) (history.History, error) {
		return history.History{}, errors.New("dial tcp 10.0.0.1:9092: refused")
	}
	got := decode[Task](t, get(newPage(t, s), "/api/tasks/538526"))
	if got.Topics != nil || !strings.Contains(got.TopicsProblem, "refused") || got.Owner != nil || got.Verdict.Code != "accepted" {
		t.Errorf("%+v", got)
	}
}

func TestTheListSaysWhatBecameOfEachEvent(t *testing.T) {
	letter := a(story.Step{Kind: story.DeadLetter, Detail: "not_json: at byte 3"})
	letter.TaskID = ""
	list := latest([]story.Story{
		answeredStory("1", events.Rejected), letter, a(story.Step{Kind: story.GivenUp}), a(story.Step{Kind: story.AnsweredBefore}), {},
	}).Latest
	var got []string
	for _, d := range list {
		got = append(got, d.Outcome+" "+string(d.Reason)+" "+d.Text)
	}
	want := []string{"retry_failed rejected HTTP 403 MPC.10212", "dead_letter  not_json: at byte 3", "given_up  ", "ignored  "}
	if strings.Join(got, "|") != strings.Join(want, "|") || list[0].Seconds != 2 {
		t.Errorf("%q, want %q", got, want)
	}
}
