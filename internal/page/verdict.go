package page

import (
	"fmt"
	"slices"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/history"
	"remux-retrier/internal/story"
)

// Verdict answers "why is this task not retried?" before any detail.
type Verdict struct {
	// Code is a reason of an outcome, a State's name, or one of the words below.
	Code  string `json:"code"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

// The codes of verdicts beside those of reasons and states.
const (
	neverSeen  = "never_seen"
	notAsked   = "not_known_here"
	inTopic    = "in_topic"
	atWork     = "at_work"
	duplicate  = "duplicate"
	backingOff = "backoff"
	asking     = "asking"
	publishing = "publishing"
	givenUp    = "given_up"
	deadLetter = "dead_letter"
	known      = "answered"
	recovered  = "recovered"
)

// titles say of every reason whether the task was retried, and why not.
var titles = map[events.Reason]string{
	events.Accepted:          "Retried: MPC accepted it",
	events.AlreadyRunning:    "Retried: the task is running, or has succeeded",
	events.Covered:           "Covered: a retry that was sent for another event answers this one too",
	events.Rejected:          "Not retried: MPC refused",
	events.TaskNotFound:      "Not retried: MPC does not know the task",
	events.InvalidTask:       "Not retried: MPC calls the task invalid",
	events.NotRetryable:      "Not retried: a retry cannot help",
	events.BudgetExhausted:   "Not retried: its budget is exhausted",
	events.AttemptsExhausted: "Not retried: every call for it failed",
	events.Expired:           "Not retried: its failure event was too old",
}

// evidence is what a verdict is found from.
type evidence struct {
	now     time.Time
	status  Status
	stories []story.Story
	topics  *history.History // nil: not read
	owner   *Owner
}

// verdict prefers what this instance does at the moment, then the latest answer
// of any instance, then what merely stands in the topics.
func (e evidence) verdict() Verdict {
	latest, mention, asked := e.newest()
	for i := len(e.stories) - 1; i >= 0; i-- {
		if s := e.stories[i]; !s.Done && len(s.Steps) > 0 {
			return e.unfinished(s)
		}
	}
	if s := e.success(latest, asked); s != nil {
		return *s
	}
	open := asked != nil && !asked.Failure.Answered && !e.endedHere(asked)
	if own := e.lastTold(); own != nil && (latest == nil || !latest.At.After(own.at)) && (!open || !asked.At.After(own.at)) {
		return own.Verdict
	}
	switch {
	case open && asked.Failure.PassedOver:
		return overlooked(asked)
	case open:
		return e.unread(asked)
	case latest != nil && latest.Outcome != nil:
		a := latest.Outcome
		return answered(a.Reason, a.Attempts, a.Retries, a.Error)
	case latest != nil:
		return deadLettered(latest.DeadLetter)
	case mention != nil:
		return deadLettered(mention.DeadLetter)
	case e.topics == nil:
		return Verdict{notAsked, "This instance has not seen the task lately", "The topics know more, if they can be read."}
	case !e.topics.Complete:
		return Verdict{notAsked, "Nothing was found so far", "The topics are too long to be read here to their ends: ask the command explain."}
	}
	return Verdict{neverSeen, "Never seen",
		fmt.Sprintf("No failure event of this task has come within %s. Is the id right, and does its producer publish to %s?",
			roughly(e.now.Sub(e.topics.Since)), e.status.Topic)}
}

// newest is the latest answer or dead letter of the task that the topics know, the
// latest dead letter that only mentions it, and the latest failure event. A mention
// may be another task's: nothing that is known of this one gives way to it.
func (e evidence) newest() (answer, mention, asked *history.Entry) {
	if e.topics == nil {
		return nil, nil, nil
	}
	for i := range e.topics.Entries {
		switch entry := &e.topics.Entries[i]; {
		case entry.Failure != nil:
			asked = entry
		case entry.DeadLetter != nil && !entry.DeadLetter.Keyed:
			mention = entry
		case entry.Outcome != nil && entry.Outcome.Repeat, entry.Recovery != nil:
		default:
			answer = entry
		}
	}
	return answer, mention, asked
}

// endedHere: this instance was done with the failure event after the topics had
// been read.
func (e evidence) endedHere(asked *history.Entry) bool {
	return slices.ContainsFunc(e.stories, func(s story.Story) bool {
		return s.Source.Partition == asked.Partition && s.Source.Offset == asked.Offset && s.Source.Time.Equal(asked.At) &&
			s.Done && s.Steps[len(s.Steps)-1].Kind != story.GivenUp
	})
}

// toldVerdict is a verdict with the time of what it is about.
type toldVerdict struct {
	at time.Time
	Verdict
}

// lastTold is about the latest event that this instance is done with, and knows
// the end of; nil: none. What had been answered before is for the topics to tell.
func (e evidence) lastTold() *toldVerdict {
	for i := len(e.stories) - 1; i >= 0; i-- {
		s := e.stories[i]
		if len(s.Steps) == 0 {
			continue
		}
		last := s.Steps[len(s.Steps)-1]
		told := &toldVerdict{at: last.At}
		switch {
		case last.Kind == story.Published && s.Outcome != nil:
			told.Verdict = answered(s.Outcome.Reason, s.Outcome.Attempts, s.Outcome.Retries, s.Outcome.Error)
		case last.Kind == story.DeadLetter:
			told.Verdict = Verdict{deadLetter, "Not retried: its event is a dead letter", last.Sentence() + " " + advice}
		case last.Kind == story.GivenUp && e.topics == nil: // the topics name the next owner
			told.Verdict = Verdict{givenUp, "Still waiting: its partition has left this instance", last.Sentence()}
		case e.topics != nil:
			continue
		default:
			told.Verdict = Verdict{known, "Answered before this instance read it", last.Sentence()}
		}
		return told
	}
	return nil
}

// advice is what to do about a dead letter.
const advice = "It will not be retried in this form: ask for the task with `remux-retrier retry TASK_ID`. " +
	"`remux-retrier redrive --task TASK_ID` puts it back, but only once, and that helps only if the service can read it by then."

// deadLettered is about a dead letter in the topics.
func deadLettered(l *history.Letter) Verdict {
	if l.Keyed {
		return Verdict{deadLetter, "Not retried: its event is a dead letter", "It could not be read as a failure event: " + string(l.Reason) + ". " + advice}
	}
	return Verdict{deadLetter, "A dead letter seems to be about it",
		"A record that mentions its id could not be read as a failure event: " + string(l.Reason) + ". It may be another task's. " + advice}
}

// answered is about an outcome.
func answered(reason events.Reason, attempts int, retries *int, apiError *events.APIError) Verdict {
	text := reason.Message()
	if retries != nil && reason == events.BudgetExhausted {
		text += fmt.Sprintf(" %s within the window.", quantity(*retries, "retry was accepted", "retries were accepted"))
	}
	if apiError != nil {
		text += " MPC answered: " + story.Answer(*apiError) + "."
	}
	if attempts > 1 {
		text += fmt.Sprintf(" %d calls were made for the event.", attempts)
	}
	return Verdict{string(reason), titles[reason], text}
}
