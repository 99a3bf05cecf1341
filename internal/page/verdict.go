package page

import (
	"fmt"
	"slices"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/history"
	"remux-retrier/internal/story"
)

// Verdict is the answer to "why is this task not retried?".
type Verdict struct {
	// Code is a reason of an outcome, a State's name, or one of the codes below.
	Code  string `json:"code"`
	Title string `json:"title"`
	Text  string `json:"text"`
}

// Codes of verdicts besides reasons and states.
const (
	neverSeen      = "never_seen"
	notKnownHere   = "not_known_here"
	inTopic        = "in_topic"
	atWork         = "at_work"
	duplicate      = "duplicate"
	backingOff     = "backoff"
	asking         = "asking"
	publishing     = "publishing"
	givenUp        = "given_up"
	deadLetter     = "dead_letter"
	answeredBefore = "answered"
	recovered      = "recovered"
	busy           = "busy"
	skippedEvent   = "passed_over"
)

// titles say for every reason whether the task was retried, and why not.
var titles = map[events.Reason]string{
	events.Accepted:          "Retried: MPC accepted it",
	events.AlreadyRunning:    "Retried: the task is running, or has succeeded",
	events.Covered:           "Covered: a retry that was sent for another event answers this one too",
	events.Rejected:          "Not retried: MPC refused",
	events.TaskNotFound:      "Not retried: MPC does not know the task",
	events.InvalidTask:       "Not retried: MPC says that the task is invalid",
	events.NotRetryable:      "Not retried: a retry cannot help",
	events.BudgetExhausted:   "Not retried: its budget is exhausted",
	events.AttemptsExhausted: "Not retried: every call for it failed",
	events.Expired:           "Not retried: its failure event was too old",
}

// evidence is what a verdict is based on.
type evidence struct {
	now     time.Time
	status  Status
	stories []story.Story
	topics  *history.History // nil: not read
	owner   *Owner
}

// verdict prefers what this instance is doing now; then a success after a retry; then what
// this instance answered last, unless the topics have a later answer or a later failure
// event without an answer; then that event; then the latest answer or dead letter in the
// topics.
func (e evidence) verdict() Verdict {
	latest, mention, event := e.newest()
	for i := len(e.stories) - 1; i >= 0; i-- {
		if s := e.stories[i]; !s.Finished && len(s.Steps) > 0 {
			return e.unfinished(s)
		}
	}
	if s := e.success(latest, event); s != nil {
		return *s
	}
	open := event != nil && !event.Failure.Answered && !e.endedHere(event)
	if own := e.lastFinished(); own != nil && (latest == nil || !latest.At.After(own.at)) && (!open || !event.At.After(own.at)) {
		return own.Verdict
	}
	switch {
	case open && event.Failure.Skipped:
		return skipped(event)
	case open:
		return e.unread(event)
	case latest != nil && latest.Outcome != nil:
		a := latest.Outcome
		return answered(a.Reason, a.Attempts, a.Retries, a.Error)
	case latest != nil:
		return deadLettered(latest.DeadLetter)
	case mention != nil:
		return deadLettered(mention.DeadLetter)
	case e.topics == nil:
		return Verdict{notKnownHere, "This instance has not seen the task lately", "Its history is in the topics, if they can be read."}
	case !e.topics.Complete:
		return Verdict{notKnownHere, "Nothing was found so far", "The topics are too long to read completely here: use the command explain."}
	}
	return Verdict{neverSeen, "Never seen",
		fmt.Sprintf("There was no failure event of this task within the last %s. Is the id right, and does its producer publish to %s?",
			roughly(e.now.Sub(e.topics.Since)), e.status.Topic)}
}

// newest returns the latest answer or dead letter of the task in the topics, the latest
// dead letter that only mentions it, and the latest failure event. A mention may belong to
// another task, so it counts only if nothing else is known.
func (e evidence) newest() (answer, mention, event *history.Entry) {
	if e.topics == nil {
		return nil, nil, nil
	}
	for i := range e.topics.Entries {
		switch entry := &e.topics.Entries[i]; {
		case entry.Failure != nil:
			event = entry
		case entry.DeadLetter != nil && !entry.DeadLetter.Keyed:
			mention = entry
		case entry.Outcome != nil && entry.Outcome.Repeat, entry.Recovery != nil:
		default:
			answer = entry
		}
	}
	return answer, mention, event
}

// endedHere reports whether this instance has finished the failure event. The topics may
// show it without an answer, because they were read before.
func (e evidence) endedHere(event *history.Entry) bool {
	return slices.ContainsFunc(e.stories, func(s story.Story) bool {
		return s.Source.Partition == event.Partition && s.Source.Offset == event.Offset && s.Source.Time.Equal(event.At) &&
			s.Finished && s.Steps[len(s.Steps)-1].Kind != story.GivenUp
	})
}

// finishedVerdict is a verdict with the time of its event.
type finishedVerdict struct {
	at time.Time
	Verdict
}

// lastFinished is the verdict on the latest event that this instance has finished; nil: none.
// Events that were answered before are left to the topics.
func (e evidence) lastFinished() *finishedVerdict {
	for i := len(e.stories) - 1; i >= 0; i-- {
		s := e.stories[i]
		if len(s.Steps) == 0 {
			continue
		}
		last := s.Steps[len(s.Steps)-1]
		v := &finishedVerdict{at: last.At}
		switch {
		case last.Kind == story.Published && s.Outcome != nil:
			v.Verdict = answered(s.Outcome.Reason, s.Outcome.Attempts, s.Outcome.Retries, s.Outcome.Error)
		case last.Kind == story.Recovered && e.topics == nil: // the topics have the recovery
			v.Verdict = Verdict{recovered, recoveredTitle, last.Sentence()}
		case last.Kind == story.DeadLetter:
			v.Verdict = Verdict{deadLetter, "Not retried: its event is a dead letter", last.Sentence() + " " + advice}
		case last.Kind == story.GivenUp && e.topics == nil: // the topics name the next owner
			v.Verdict = Verdict{givenUp, "Still waiting: its partition belongs to another instance now", last.Sentence()}
		case e.topics != nil:
			continue
		default:
			v.Verdict = Verdict{answeredBefore, "Answered before this instance read it", last.Sentence()}
		}
		return v
	}
	return nil
}

// advice is what to do about a dead letter.
const advice = "It will not be retried in this form: request a retry with `remux-retrier retry TASK_ID`. " +
	"`remux-retrier redrive --task TASK_ID` writes the record back, once; that helps only if the service can read it by then."

// deadLettered is the verdict on a dead letter in the topics.
func deadLettered(l *history.Letter) Verdict {
	if l.Keyed {
		return Verdict{deadLetter, "Not retried: its event is a dead letter", "It could not be read as a failure event: " + string(l.Reason) + ". " + advice}
	}
	return Verdict{deadLetter, "A dead letter mentions it",
		"A record that mentions its id could not be read as a failure event: " + string(l.Reason) + ". It may belong to another task. " + advice}
}

// answered is the verdict on an outcome.
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
