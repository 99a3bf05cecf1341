package story

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"remux-retrier/events"
)

// Sentence describes the step in plain English, without its time. Other times are in UTC.
// It may contain text of a producer or of MPC, so it must not be used as markup.
func (s Step) Sentence() string {
	text := s.what()
	if s.Times > 1 && s.Kind != Skipped {
		text += fmt.Sprintf(" This happened %d times, the last time at %s.", s.Times, s.last())
	}
	return text
}

func (s Step) what() string {
	switch s.Kind {
	case Received:
		return "The failure event arrived here."
	case DuplicateWait:
		return "Waits for another event of the same task, which is being answered."
	case QuotaWait:
		return "Waits for quota" + s.detail() + s.expected("expected at about")
	case OutageWait:
		return "Waits: MPC does not serve" + s.detail() + "."
	case BackoffWait:
		return "Backs off after a failed call" + s.backoff()
	case Doubt:
		return "In doubt" + s.detail() + s.expected("next state query at")
	case Query:
		return "Queries the task's state."
	case State:
		if s.Error != nil {
			return "MPC did not disclose the task's state" + s.answer() + "."
		}
		return "The task's state is: " + s.State + "."
	case Call:
		return "Calls MPC to retry the task."
	case Refused:
		return s.refused()
	case Accepted:
		return "MPC accepted the retry."
	case Skipped:
		return fmt.Sprintf("%d more steps are left out, the last at %s.", s.Times, s.last())
	case Answered:
		return fmt.Sprintf("Answered %s, %s. %s", s.Reason.Kind(), s.Reason, s.Reason.Message())
	case Published:
		return "The answer is published" + s.detail() + "."
	case Recovered:
		return "The task has succeeded after a retry; its recovery is published" + s.detail() + "."
	case DeadLetterWait:
		return "Not a readable failure event; waits for the dead-letter topic" + s.detail() + "."
	case GivenUp:
		return "Handed to the partition's new owner, without an answer" + s.detail() + "."
	case DeadLetter:
		return "Not a readable failure event; written to the dead-letter topic" + s.detail() + "."
	case Ignored:
		return "Not a failure; ignored" + s.detail() + "."
	case AnsweredBefore:
		return "Already answered, as the outcome topics show."
	}
	return string(s.Kind)
}

func (s Step) refused() string {
	if s.Error == nil || s.Error.Status == 0 {
		return "The call got no answer" + s.detail() + "."
	}
	return "MPC refused the call with " + Answer(*s.Error) + s.detail() + "."
}

// answer returns MPC's answer, if there was one, and the detail.
func (s Step) answer() string {
	if s.Error.Status == 0 {
		return s.detail()
	}
	return ": " + Answer(*s.Error) + s.detail()
}

// Answer returns an answer of MPC in words, such as `HTTP 403 MPC.10212 (Operation
// failed.)`.
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

// detail returns the step's Detail after a colon, without its full stop.
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

// backoff names the attempts so far, and the time of the next.
func (s Step) backoff() string {
	if s.Until.IsZero() {
		return s.detail() + "."
	}
	return s.detail() + "; next at " + timeOfDay(s.Until) + "."
}

// last returns the time of the last of the steps, with its day if that is another one than
// the first step's: in an outage of days.
func (s Step) last() string {
	if s.At.UTC().Format(time.DateOnly) == s.Last.UTC().Format(time.DateOnly) {
		return timeOfDay(s.Last)
	}
	return s.Last.UTC().Format("2006-01-02 15:04:05 UTC")
}

// timeOfDay returns a time without the day, which is the day of the step or the next.
func timeOfDay(t time.Time) string { return t.UTC().Format("15:04:05 UTC") }
