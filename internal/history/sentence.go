package history

import (
	"fmt"
	"strings"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/plain"
)

// timeFormat is how a person reads a time here: UTC, to the millisecond, because
// that tells an event from its answer.
const timeFormat = "2006-01-02 15:04:05.000"

// Line is a sentence of the history, and the time that it tells of.
type Line struct {
	At       time.Time
	Kind     Kind
	Sentence string
}

// Lines tell the history: a sentence for each entry, and one for what is left out.
func (h History) Lines() []Line {
	lines := make([]Line, 0, len(h.Entries)+1)
	gap := h.LeftOut
	for _, e := range h.Entries {
		if gap != nil && e.At.After(gap.First) {
			lines, gap = append(lines, gap.line()), nil
		}
		lines = append(lines, Line{e.At, e.Kind, e.Sentence()})
	}
	return lines
}

func (g Gap) line() Line {
	return Line{g.First, LeftOut, fmt.Sprintf("From here until %s UTC, %d more are left out: of failure events, outcomes and dead letters the first %d and the latest %d each are told.",
		g.Last.UTC().Format(timeFormat), g.Count, keepFirst, keepLatest)}
}

// Sentences are the lines with their times.
func (h History) Sentences() []string {
	var all []string
	for _, l := range h.Lines() {
		all = append(all, l.At.UTC().Format(timeFormat)+"  "+l.Sentence)
	}
	return all
}

// Sentence tells the entry, without its time.
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
	fmt.Fprintf(&b, "A failure event came (%s)", e.place())
	if e.Failure.ErrorCode != "" {
		fmt.Fprintf(&b, ", with the code %s", e.Failure.ErrorCode)
	}
	if e.Failure.Description != "" {
		fmt.Fprintf(&b, ": %q", e.Failure.Description)
	}
	b.WriteString(".")
	if e.Failure.Forced {
		b.WriteString(" It is forced: budget, age and skip codes do not hold it up.")
	}
	switch {
	case e.Failure.PassedOver:
		b.WriteString(" " + PassedOver)
	case !e.Failure.Answered:
		b.WriteString(" No outcome for it was found.")
	}
	return b.String()
}

// PassedOver says what Failure.PassedOver means, and what to do.
const PassedOver = "No outcome for it was found, though the group has committed past it: it was passed over, " +
	"by KAFKA_START_OFFSET=latest or by whoever set the group's offsets, or its outcome is deleted. " +
	"It is not going to be read: ask for the task with `remux-retrier retry TASK_ID`."

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
	about := "mentions the id, so that it may be about this task,"
	if l.Keyed {
		about = "is keyed by the task's id"
	}
	text := fmt.Sprintf("A record that %s could not be read as a failure event and became a dead letter (%s; it stood at offset %d of partition %d): %s, %s.",
		about, e.place(), l.Offset, l.Partition, plain.Text(string(l.Reason)), strings.TrimSuffix(plain.Text(l.Message), "."))
	if l.Count > 1 {
		return text + fmt.Sprintf(" It has become one %d times by now: `redrive` leaves it; use `remux-retrier retry TASK_ID`.", l.Count)
	}
	return text + " It is never called as it stands: ask for the task with `remux-retrier retry TASK_ID`. `redrive` helps only once the service can read it."
}

func (e Entry) place() string {
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

// Summary tells in a sentence or two how it stands with the task.
func (h History) Summary() string {
	text := h.summary()
	if !h.Complete {
		return "Not all was read, so this may be wrong: " + strings.ToLower(text[:1]) + text[1:]
	}
	return text
}

func (h History) summary() string {
	var asked, letter *Entry
	var outcome, recovery *Entry
	for i := range h.Entries {
		switch e := &h.Entries[i]; e.Kind {
		case FailureEvent:
			asked = e
		case DeadLetter:
			letter = e
		case Outcome:
			if !e.Outcome.Repeat {
				outcome = e
			}
		case Recovered:
			recovery = e
		}
	}
	since := "since " + h.Since.UTC().Format(timeFormat) + " UTC"
	switch {
	case asked != nil && asked.Failure.PassedOver:
		return fmt.Sprintf("Its latest failure event, of %s UTC, will not be answered. %s", asked.At.UTC().Format(timeFormat), PassedOver)
	case asked != nil && !asked.Failure.Answered:
		return fmt.Sprintf("Its latest failure event, of %s UTC, has no outcome yet: it is waiting, or it was ignored as no failure. Which, the page or /api/tasks/ID of the instance that owns partition %d of %s says, and why.",
			asked.At.UTC().Format(timeFormat), asked.Partition, asked.Topic)
	case recovery != nil && (outcome == nil || recovery.At.After(outcome.At)):
		return fmt.Sprintf("It has succeeded after %s, at %s UTC.", count(recovery.Recovery.Retries, "retry", "retries"), recovery.Recovery.EventTime.UTC().Format(timeFormat))
	case outcome != nil:
		text := fmt.Sprintf("Its latest answer, of %s UTC, is %s, %s. %s", outcome.At.UTC().Format(timeFormat), outcome.Outcome.Outcome, outcome.Outcome.Reason, outcome.Outcome.Reason.Message())
		if h.ToldOfRecoveries && outcome.Outcome.Outcome == events.Retried {
			text += NotHeardOf
		}
		return text
	case letter != nil:
		return "Nothing about it could be read: what seems to be about it is a dead letter, which is never retried by itself."
	}
	return "The topics know nothing of it " + since + ": no failure event of it has come, or it is older and no longer waits."
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
