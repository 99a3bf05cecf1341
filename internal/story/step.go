package story

import (
	"time"

	"remux-retrier/events"
)

// Kind says what happened. The constants below are all there are.
type Kind string

// The kinds, in the order in which an event may meet them. The waits last until
// the next step; a call ends with Refused or Accepted, a query with State.
const (
	Received    Kind = "received"
	TwinWait    Kind = "twin_wait"    // another event of the task is being answered
	QuotaWait   Kind = "quota_wait"   // for the turn of a call
	OutageWait  Kind = "outage_wait"  // likewise, while MPC does not serve
	BackoffWait Kind = "backoff_wait" // after a call of its own that failed
	Doubt       Kind = "doubt"        // a call may have been accepted unknown to us
	Query       Kind = "query"        // the task's state is asked for
	State       Kind = "state"        // what it is, see Step.State
	Call        Kind = "call"
	Refused     Kind = "refused" // the call's end, also where no answer came; see Step.Error, Step.Detail
	Accepted    Kind = "accepted"
	// DeadLetterWait: it is no readable event, and waits for the dead-letter topic.
	DeadLetterWait Kind = "dead_letter_wait"
	// Skipped stands for steps that were left out, Step.Times of them.
	Skipped  Kind = "skipped"
	Answered Kind = "answered" // decided, see Step.Reason; not published yet
	// The last step of a story is one of these.
	Published      Kind = "published"       // acknowledged by Kafka
	GivenUp        Kind = "given_up"        // undecided or unpublished: the next owner takes the event up
	DeadLetter     Kind = "dead_letter"     // was no readable event
	Ignored        Kind = "ignored"         // a notification of no failure
	AnsweredBefore Kind = "answered_before" // according to the outcome topics
)

// Ends tells whether the step is a story's last.
func (k Kind) Ends() bool {
	switch k {
	case Published, GivenUp, DeadLetter, Ignored, AnsweredBefore:
		return true
	}
	return false
}

// Waits tells whether the event waits from this step to the next.
func (k Kind) Waits() bool {
	switch k {
	case TwinWait, QuotaWait, OutageWait, BackoffWait, DeadLetterWait:
		return true
	}
	return false
}

// Step is one thing that happened to an event. What is not known is left zero.
type Step struct {
	At   time.Time
	Kind Kind
	// Until is when a wait is expected to end: exactly for BackoffWait and Doubt,
	// by the present rate for QuotaWait.
	Until time.Time
	// State is the task's, in words such as "FAILED" or "running or succeeded".
	State string
	// Error is MPC's answer to a call that was refused, as far as one came.
	Error *events.APIError
	// Reason is what was answered.
	Reason events.Reason
	// Detail says what the other fields cannot, such as why it waits: words for
	// a person, at most some hundred bytes.
	Detail string
	// Times is how many steps alike this one stands for, if more than one; Last is
	// when the last of them happened.
	Times int
	Last  time.Time
}

// Trail is told of an event's steps as they happen. Step does not block, and
// may be called from any goroutine; what comes after the last step is passed
// over. A Step without At happens now.
type Trail interface{ Step(Step) }

// Story is what happened to one failure event in this process.
type Story struct {
	// TaskID of a record that could not be read is its key, as far as that could
	// be a task's id: producers key by it.
	TaskID  string
	Source  events.Source
	EventID string // the CloudEvent's or SMN's; empty: none
	Failure events.Failure
	Steps   []Step
	Outcome *events.Outcome // nil: none was decided here
	Done    bool            // nothing more will happen to the event here
	Number  uint64          // of the stories that have ended, by their end; 0: not ended
}

// Became says in a word what became of the event: the kind of its outcome,
// dead_letter, ignored, or given_up; empty: it is being answered.
func (s Story) Became() string {
	if !s.Done {
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
