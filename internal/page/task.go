package page

import (
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/history"
	"remux-retrier/internal/plain"
	"remux-retrier/internal/story"
)

// Task is the document of /api/tasks/{task_id}: all that is known about a task.
type Task struct {
	TaskID string `json:"task_id"`
	// Verdict is the answer to "why is this task not retried?".
	Verdict Verdict `json:"verdict"`
	// Instance is the one that answers; Owner owns the partition of the task's events.
	Instance string `json:"instance"`
	Owner    *Owner `json:"owner"` // null: unknown
	// Stories are what this instance did for each failure event of the task, oldest first.
	// They are lost with the process, and the oldest are dropped.
	Stories []EventStory `json:"stories"`
	// StoriesLeftOut counts stories that are not shown: the oldest finished ones, or
	// unfinished ones from the middle.
	StoriesLeftOut int `json:"stories_left_out"`
	// Topics is what the topics contain, as far as TopicsState says; null: nothing was
	// read. TopicsProblem says it in words.
	Topics        *Topics `json:"topics"`
	TopicsState   string  `json:"topics_state"`
	TopicsProblem string  `json:"topics_problem,omitempty"`
}

// The values of Task.TopicsState.
const (
	TopicsNotAsked = "not_asked" // with ?topics=false
	TopicsRead     = "read"
	TopicsPart     = "part"      // some topics may not be read, or the time was too short
	TopicsBusy     = "busy"      // too many other readings are running
	TopicsSilent   = "no_answer" // the brokers do not answer
	TopicsFailed   = "failed"    // TopicsProblem says why
)

// Owner is the member of the group that owns a partition.
type Owner struct {
	Partition int    `json:"partition"`
	Instance  string `json:"instance"` // empty: no instance at the moment
	// Here: it is the instance that answers.
	Here bool `json:"here"`
}

// EventStory is the story of one failure event.
type EventStory struct {
	Partition   int        `json:"partition"`
	Offset      int64      `json:"offset"`
	EventTime   plain.Time `json:"event_time"`
	EventID     string     `json:"event_id,omitempty"`
	ErrorCode   string     `json:"error_code,omitempty"`
	Description string     `json:"description,omitempty"`
	UserData    string     `json:"user_data,omitempty"` // cut to 1 KiB
	// Outcome is Done.Outcome; empty: it is being answered.
	Outcome string        `json:"outcome,omitempty"`
	Reason  events.Reason `json:"reason,omitempty"`
	Steps   []Line        `json:"steps"`
}

// Topics is what the topics contain about a task.
type Topics struct {
	// Since is from when the topics were read; older events that still wait are included.
	// Complete is false if a part was not read.
	Since    time.Time `json:"since"`
	Complete bool      `json:"complete"`
	Read     int64     `json:"records_read"`
	// If LeftOut is not 0, Entries have a line of the kind left_out in place of so many
	// entries.
	Entries []Line `json:"entries"`
	LeftOut int    `json:"left_out"`
}

// Line is a sentence with its time. Kind is a story.Kind or a history.Kind.
type Line struct {
	At       plain.Time `json:"at"`
	Kind     string     `json:"kind"`
	Sentence string     `json:"sentence"`
	// Until is when a wait is expected to end.
	Until *time.Time `json:"until,omitempty"`
	// RequestID is that of MPC's answer, if the line is about one.
	RequestID string `json:"request_id,omitempty"`
}

func eventStories(stories []story.Story) []EventStory {
	list := make([]EventStory, 0, len(stories))
	for _, s := range stories {
		t := EventStory{
			Partition: s.Source.Partition, Offset: s.Source.Offset, EventTime: plain.Time{Time: s.Source.Time}, EventID: s.EventID,
			ErrorCode: s.Failure.ErrorCode, Description: s.Failure.Description, UserData: s.Failure.UserData, Outcome: s.Became(), Steps: []Line{},
		}
		if s.Outcome != nil {
			t.Reason = s.Outcome.Reason
		}
		for _, step := range s.Steps {
			line := Line{At: plain.Time{Time: step.At}, Kind: string(step.Kind), Sentence: step.Sentence()}
			if !step.Until.IsZero() {
				line.Until = &step.Until
			}
			if step.Error != nil {
				line.RequestID = step.Error.RequestID
			}
			t.Steps = append(t.Steps, line)
		}
		list = append(list, t)
	}
	return list
}

func topics(h history.History) *Topics {
	t := &Topics{Since: h.Since, Complete: h.Complete, Read: h.Read, Entries: []Line{}}
	for _, l := range h.Lines() {
		t.Entries = append(t.Entries, Line{At: plain.Time{Time: l.At}, Kind: string(l.Kind), Sentence: l.Sentence})
	}
	if h.LeftOut != nil {
		t.LeftOut = h.LeftOut.Count
	}
	return t
}
