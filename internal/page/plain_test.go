package page

import (
	"context"
	"strings"
	"testing"
	"time"
	"unicode"

	"remux-retrier/events"
	"remux-retrier/internal/history"
	"remux-retrier/internal/plain"
	"remux-retrier/internal/story"
)

// Engineers on call use curl.
func TestATerminalShowsADocumentAsText(t *testing.T) {
	const hostile = "\x1b]0;pwned\x07\u009b1A\u202egpj\u2066\u200b"
	s := newSource()
	one := story.Story{TaskID: "7", EventID: hostile, Steps: []story.Step{{Kind: story.DeadLetterWait, Detail: hostile}}}
	one.Failure.TaskID, one.Failure.ErrorCode, one.Failure.Description = "7", hostile, hostile
	s.stories = []story.Story{one}
	s.status.Notes = []string{hostile}
	p := newPage(t, s)
	for _, path := range []string{"/api/tasks/7", "/api/status", "/api/latest"} {
		if text := get(p, path).Body.String(); strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsGraphic(r) && r != '\n' }) {
			t.Errorf("%s: %q", path, text)
		}
	}
	if got := decode[Task](t, get(p, "/api/tasks/7")); len(got.Stories) != 1 || got.Stories[0].Description != hostile {
		t.Errorf("a program does not get what is in it: %+v", got)
	}
}

// One record with such a timestamp would stop the updates of the page and hide its task's
// story.
func TestATimestampOfAnyYearIsShown(t *testing.T) {
	far := time.Date(12345, 6, 7, 8, 9, 10, 0, time.UTC)
	s := newSource()
	one := story.Story{TaskID: "7", Steps: []story.Step{{Kind: story.DeadLetterWait, At: noon}}}
	one.Source.Time = far
	s.stories = []story.Story{one}
	s.status.Flow.OldestAt = &plain.Time{Time: far}
	s.status.Partitions = []Partition{{Partition: 3, OldestAt: &plain.Time{Time: far}}}
	s.topics = func(context.Context) (history.History, error) {
		return history.History{Complete: true, Entries: []history.Entry{{Kind: history.FailureEvent, At: far, Failure: &history.Failure{}}}}, nil
	}
	p := newPage(t, s)
	for path, times := range map[string]int{"/api/status": 2, "/api/tasks/7": 2} {
		if w := get(p, path); w.Code != 200 || strings.Count(w.Body.String(), `"+012345-06-07T08:09:10Z"`) != times {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
}

func TestATopicThatMayNotBeReadIsNamedAndTheRestTold(t *testing.T) {
	s := newSource()
	s.topics = func(context.Context) (history.History, error) {
		h := *knows(asked(time.Hour, true), replied(time.Hour, events.Accepted))
		h.NotRead = []history.NotRead{{Topic: "dlq", Why: "the brokers' ACLs must allow READ on topic dlq"}}
		return h, nil
	}
	got := decode[Task](t, get(newPage(t, s), "/api/tasks/7"))
	if got.Verdict.Code != "accepted" || got.TopicsState != TopicsPart || len(got.Topics.Entries) != 2 || !strings.Contains(got.TopicsProblem, "topic dlq could not be read") {
		t.Errorf("%+v", got)
	}
}
