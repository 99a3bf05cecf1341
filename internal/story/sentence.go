package story

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"remux-retrier/events"
)

// Sentence tells the step to a person, in plain English, without its time.
// Other times are given in UTC. It may quote what a producer or MPC wrote: it is
// text, never markup.
func (s Step) Sentence() string {
	text := s.what()
	if s.Times > 1 && s.Kind != Skipped {
		text += fmt.Sprintf(" That happened %d times, the last at %s.", s.Times, timeOfDay(s.Last))
	}
	return text
}

func (s Step) what() string {
	switch s.Kind {
	case Received:
		return "The failure event arrived here."
	case TwinWait:
		return "Waits for another event of the same task, which is being answered."
	case QuotaWait:
		return "Waits for its turn under the quota" + s.detail() + s.expected("which should come at about")
	case OutageWait:
		return "Waits: MPC does not serve" + s.detail() + "."
	case BackoffWait:
		return "Backs off after a failed call" + s.backoff()
	case Doubt:
		return "In doubt" + s.detail() + s.expected("and is asked about again at")
	case Query:
		return "Asks MPC for the task's state."
	case State:
		if s.Error != nil {
			return "MPC did not tell the task's state" + s.answer() + "."
		}
		return "The task's state is: " + s.State + "."
	case Call:
		return "Calls MPC to retry the task."
	case Refused:
		return s.refused()
	case Accepted:
		return "MPC accepted the retry."
	case Skipped:
		return fmt.Sprintf("%d further steps, the last at %s, are left out.", s.Times, timeOfDay(s.Last))
	case Answered:
		return fmt.Sprintf("Answered %s, %s. %s", s.Reason.Kind(), s.Reason, s.Reason.Message())
	case Published:
		return "The answer is published" + s.detail() + "."
	case DeadLetterWait:
		return "Is no readable failure event and waits for the dead-letter topic" + s.detail() + "."
	case GivenUp:
		return "Given up here without an answer" + s.detail() + ". Who owns the partition next takes the event up again."
	case DeadLetter:
		return "Is no readable failure event and went to the dead-letter topic" + s.detail() + "."
	case Ignored:
		return "Tells of no failure and was ignored" + s.detail() + "."
	case AnsweredBefore:
		return "Had been answered before, as the outcome topics show."
	}
	return string(s.Kind)
}

func (s Step) refused() string {
	if s.Error == nil || s.Error.Status == 0 {
		return "The call got no answer" + s.detail() + "."
	}
	return "MPC refused the call with " + Answer(*s.Error) + s.detail() + "."
}

// answer is MPC's, if one came, and what it means.
func (s Step) answer() string {
	if s.Error.Status == 0 {
		return s.detail()
	}
	return ": " + Answer(*s.Error) + s.detail()
}

// Answer is an answer of MPC's in words, such as `HTTP 403 MPC.10212
// (Operation failed.)`.
func Answer(e events.APIError) string {
	text := "HTTP " + strconv.Itoa(e.Status)
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Message != "" {
		text += " (" + e.Message + ")"
	}
	return text
}

// detail is the step's own words behind a colon; they need no full stop.
func (s Step) detail() string {
	if s.Detail == "" {
		return ""
	}
	return ": " + strings.TrimRight(s.Detail, ".")
}

func (s Step) expected(words string) string {
	if s.Until.IsZero() {
		return "."
	}
	return ", " + words + " " + timeOfDay(s.Until) + "."
}

// backoff tells of the attempts, and when the next one comes.
func (s Step) backoff() string {
	if s.Until.IsZero() {
		return s.detail() + "."
	}
	return s.detail() + "; next at " + timeOfDay(s.Until) + "."
}

// timeOfDay is a time as sentences give it. The day is left out: it is the
// step's own, or the next.
func timeOfDay(t time.Time) string { return t.UTC().Format("15:04:05 UTC") }
