package story

import (
	"time"

	"remux-retrier/events"
)

// Kind is a kind of step. The constants below are all kinds.
type Kind string

// The kinds, in the order in which they usually happen. A wait lasts until the next step.
// A call ends with Refused or Accepted, a query with State.
const (
	Received      Kind = "received"
	DuplicateWait Kind = "duplicate_wait" // another event of the task is being answered
	QuotaWait     Kind = "quota_wait"     // the call waits for quota
	OutageWait    Kind = "outage_wait"    // the call waits until MPC serves again
	BackoffWait   Kind = "backoff_wait"   // after a failed call
	Doubt         Kind = "doubt"          // a call may have been accepted, but its answer is not known
	Query         Kind = "query"          // the task's state is queried
	State         Kind = "state"          // the query's result, see Step.State
	Call          Kind = "call"
	Refused       Kind = "refused" // the call's end, also without an answer; see Step.Error, Step.Detail
	Accepted      Kind = "accepted"
	// DeadLetterWait: it is no readable event, and waits until the dead letter is written.
	DeadLetterWait Kind = "dead_letter_wait"
	// Skipped replaces Step.Times steps that were left out.
	Skipped  Kind = "skipped"
	Answered Kind = "answered" // decided, see Step.Reason; not published yet
	// The last step of a story is one of these.
	Published      Kind = "published"       // the outcome is acknowledged by Kafka
	Recovered      Kind = "recovered"       // a success after a retry; the recovery is acknowledged by Kafka
	GivenUp        Kind = "given_up"        // undecided or unpublished: the partition's next owner handles the event
	DeadLetter     Kind = "dead_letter"     // was no readable event
	Ignored        Kind = "ignored"         // neither a failure nor a success after a retry
	AnsweredBefore Kind = "answered_before" // according to the outcome topics
)

// Ends reports whether the step is a story's last.
func (k Kind) Ends() bool {
	switch k {
	case Published, Recovered, GivenUp, DeadLetter, Ignored, AnsweredBefore:
		return true
	}
	return false
}

// Waits reports whether each step of this kind is a wait until the next step. A Doubt is one
// if it has an Until.
func (k Kind) Waits() bool {
	switch k {
	case DuplicateWait, QuotaWait, OutageWait, BackoffWait, DeadLetterWait:
		return true
	}
	return false
}

// Step is one thing that happened to an event. Unknown fields are zero.
type Step struct {
	At   time.Time
	Kind Kind
	// Until is when a wait is expected to end: exact for BackoffWait and Doubt, estimated
	// from the current rate for QuotaWait.
	Until time.Time
	// State is the task's state, in words such as "FAILED" or "running or succeeded".
	State string
	// Error is MPC's answer to a refused call, or to a query that did not disclose the
	// state, as far as there was one.
	Error *events.APIError
	// Reason is the reason of the outcome.
	Reason events.Reason
	// Detail is further information for a person, such as why the event waits: at most
	// some hundred bytes.
	Detail string
	// Times is how many equal steps this one stands for, if more than one; for Skipped, how
	// many steps were left out. Last is when the last of them happened.
	Times int
	Last  time.Time
}

// Listener receives an event's steps as they happen. Step does not block and may be called
// from any goroutine. Steps after the last one are ignored. A Step without At happens
// now.
type Listener interface{ Step(Step) }

// Story is what happened to one failure event in this process.
type Story struct {
	// TaskID of an unreadable record is its key, if that could be a task's id: producers
	// use the id as the key.
	TaskID   string
	Source   events.Source
	EventID  string // of the CloudEvent or SMN message; empty: none
	Failure  events.Failure
	Steps    []Step
	Outcome  *events.Outcome // nil: none was decided here
	Finished bool            // there will be no more steps
	Number   uint64          // counts the stories in the order in which they finished; 0: unfinished
}

// Became returns the event's end in one word: the kind of its outcome, recovered,
// dead_letter, ignored, or given_up; empty: it is still being answered.
func (s Story) Became() string {
	if !s.Finished {
		return ""
	}
	switch last := s.Steps[len(s.Steps)-1]; {
	case last.Kind == Published && s.Outcome != nil:
		return string(s.Outcome.Reason.Kind())
	case last.Kind == AnsweredBefore:
		return string(Ignored)
	default:
		return string(last.Kind)
	}
}
