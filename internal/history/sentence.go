package history

import (
	"fmt"
	"strings"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/plain"
)

// timeFormat has milliseconds, to distinguish an event from its answer. Times are in UTC.
const timeFormat = "2006-01-02 15:04:05.000"

// Line is a sentence of the history with its time.
type Line struct {
	At       time.Time
	Kind     Kind
	Sentence string
}

// Lines returns a sentence for each entry but repeated recoveries, and one for the entries
// that are left out.
func (h History) Lines() []Line {
	lines := make([]Line, 0, len(h.Entries)+1)
	gap := h.LeftOut
	for _, e := range h.Entries {
		if gap != nil && e.At.After(gap.First) {
			lines, gap = append(lines, gap.line()), nil
		}
		if e.Recovery != nil && e.Recovery.Repeat {
			continue
		}
		lines = append(lines, Line{e.At, e.Kind, e.Sentence()})
	}
	if gap != nil { // all have the same time
		lines = append(lines, gap.line())
	}
	return lines
}

func (g Gap) line() Line {
	return Line{g.First, LeftOut, fmt.Sprintf("From here until %s UTC, %d more are left out: only the first %d and the latest %d of the failure events, of the outcomes, of the dead letters and of the recoveries are shown.",
		g.Last.UTC().Format(timeFormat), g.Count, keepFirst, keepLatest)}
}

// Sentences returns the lines as text, with their times.
func (h History) Sentences() []string {
	var all []string
	for _, l := range h.Lines() {
		all = append(all, moment(l.At)+"  "+l.Sentence)
	}
	return all
}

// moment is a line's time. If its record has none, it says so in a text of the same width.
func moment(at time.Time) string {
	if consumer.HasTime(at) {
		return at.UTC().Format(timeFormat)
	}
	return fmt.Sprintf("%-*s", len(timeFormat), "without time")
}

// Sentence describes the entry, without its time.
func (e Entry) Sentence() string {
	switch {
	case e.Failure != nil:
		return e.failure()
	case e.Outcome != nil:
		return e.answer()
	case e.Recovery != nil:
		return e.success()
	}
	return e.letter()
}

func (e Entry) failure() string {
	var b strings.Builder
	fmt.Fprintf(&b, "A failure event arrived (%s)", e.location())
	if e.Failure.ErrorCode != "" {
		fmt.Fprintf(&b, ", with the code %s", e.Failure.ErrorCode)
	}
	if e.Failure.Description != "" {
		fmt.Fprintf(&b, ": %q", e.Failure.Description)
	}
	b.WriteString(".")
	if e.Failure.Forced {
		b.WriteString(" It is forced: budget, age and skip codes do not apply.")
	}
	switch {
	case e.Failure.Skipped:
		b.WriteString(" " + SkippedText)
	case !e.Failure.Answered:
		b.WriteString(" No outcome was found for it.")
	}
	return b.String()
}

// SkippedText explains Failure.Skipped, and what to do.
const SkippedText = "No outcome was found for it, but the group has committed a later offset. It was skipped " +
	"(KAFKA_START_OFFSET=latest, or the group's offsets were changed), or its outcome is deleted. " +
	"It will not be read: retry the task with `remux-retrier retry TASK_ID`."

func (e Entry) answer() string {
	a := e.Outcome
	var b strings.Builder
	fmt.Fprintf(&b, "The event at offset %d of partition %d was answered %s, %s. %s", a.Offset, a.Partition, a.Outcome, a.Reason, a.Reason.Message())
	calls := count(a.Attempts, "call was made for it", "calls were made for it")
	b.WriteString(" " + strings.ToUpper(calls[:1]) + calls[1:])
	if a.Retries != nil {
		fmt.Fprintf(&b, ", %s in the window", count(*a.Retries, "retry was accepted", "retries were accepted"))
	}
	b.WriteString(".")
	if a.FailedAgain {
		b.WriteString(" The task had been retried before, and has failed again.")
	}
	if a.Error != nil {
		b.WriteString(" MPC's last answer: " + apiError(a.Error) + ".")
	}
	if a.Repeat {
		b.WriteString(" This outcome is a repeat: the first counts.")
	}
	return b.String()
}

func (e Entry) letter() string {
	l := e.DeadLetter
	about := "mentions the id, and so may be about this task,"
	if l.Keyed {
		about = "is keyed by the task's id"
	}
	text := fmt.Sprintf("A record that %s could not be read as a failure event and became a dead letter (%s; before at offset %d of partition %d): %s, %s.",
		about, e.location(), l.Offset, l.Partition, plain.Text(string(l.Reason)), strings.TrimSuffix(plain.Text(l.Message), "."))
	if l.Count > 1 {
		return text + fmt.Sprintf(" It has become a dead letter %d times, so `redrive` leaves it: retry the task with `remux-retrier retry TASK_ID`.", l.Count)
	}
	return text + " It will not be retried in this form: retry the task with `remux-retrier retry TASK_ID`. `redrive` helps only after the service can read it."
}

func (e Entry) location() string {
	return fmt.Sprintf("%s/%d at offset %d", e.Topic, e.Partition, e.Offset)
}

func apiError(e *events.APIError) string {
	var parts []string
	if e.Status != 0 {
		parts = append(parts, fmt.Sprintf("HTTP %d", e.Status))
	}
	if e.Code != "" {
		parts = append(parts, plain.Text(e.Code))
	}
	if e.Message != "" {
		parts = append(parts, fmt.Sprintf("%q", e.Message))
	}
	if e.RequestID != "" {
		parts = append(parts, "request id "+plain.Text(e.RequestID))
	}
	return strings.Join(parts, ", ")
}

// Summary describes the task's state in one or two sentences.
func (h History) Summary() string {
	text := h.summary()
	if !h.Complete {
		return "Not everything was read, so this may be wrong: " + strings.ToLower(text[:1]) + text[1:]
	}
	return text
}

func (h History) summary() string {
	var event, letter, outcome, recovery *Entry
	for i := range h.Entries {
		switch e := &h.Entries[i]; e.Kind {
		case FailureEvent:
			event = e
		case DeadLetter:
			letter = e
		case Outcome:
			if !e.Outcome.Repeat {
				outcome = e
			}
		case Recovered:
			if !e.Recovery.Repeat {
				recovery = e
			}
		}
	}
	since := "since " + h.Since.UTC().Format(timeFormat) + " UTC"
	switch {
	case event != nil && event.Failure.Skipped:
		return fmt.Sprintf("Its latest failure event, of %s UTC, will not be answered. %s", event.At.UTC().Format(timeFormat), SkippedText)
	case event != nil && !event.Failure.Answered:
		return fmt.Sprintf("Its latest failure event, of %s UTC, has no outcome yet: it is waiting, or it was ignored as no failure. The page or /api/tasks/ID of the instance that owns partition %d of %s shows which, and why.",
			event.At.UTC().Format(timeFormat), event.Partition, event.Topic)
	case recovery != nil && (outcome == nil || recovery.At.After(outcome.At)):
		return fmt.Sprintf("It has succeeded after %s, %s.", count(recovery.Recovery.Retries, "retry", "retries"), recovery.Recovery.When())
	case outcome != nil:
		text := fmt.Sprintf("Its latest answer, of %s UTC, is %s, %s. %s", outcome.At.UTC().Format(timeFormat), outcome.Outcome.Outcome, outcome.Outcome.Reason, outcome.Outcome.Reason.Message())
		if h.RecoveriesRead && outcome.Outcome.Outcome == events.Retried {
			text += NoSuccessReported
		}
		return text
	case letter != nil:
		return "Its only trace is a dead letter that seems to be about it. Dead letters are not retried automatically."
	}
	return "The topics contain nothing about it " + since + ": it had no failure event, or only older ones that no longer wait."
}

func count(n int, one, more string) string {
	switch n {
	case 0:
		return "no " + more
	case 1:
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, more)
}
