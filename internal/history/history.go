// Package history tells what the topics know of one task: its failure events,
// the answers to them, and its dead letters, in the order of their times and in
// sentences. It needs no running service, and no store but the topics.
//
// It decides nothing, calls nothing and writes nothing. What one instance did
// for an event between its arrival and its answer is not in the topics: that is
// package story. The commands and the operator's page import it.
//
//	history.go  what is told
//	plan.go     what of the topics has to be read
//	read.go     reading it
//	entry.go    what a record says of a task
//	tally.go    what is kept of a task with very many records
//	mention.go  which dead letters are a task's
//	sentence.go telling it to a person
//	success.go  what is told of a task that has succeeded after a retry
package history

import (
	"fmt"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/plain"
)

// Kind is what an Entry tells of.
type Kind string

// The kinds of entries.
const (
	// FailureEvent: a failure event of the task stands in the failed topic.
	FailureEvent Kind = "failure_event"
	// Outcome: an answer to one of the task's failure events.
	Outcome Kind = "outcome"
	// DeadLetter: a record that could not be read as a failure event, and that
	// is keyed by the task's id or mentions it.
	DeadLetter Kind = "dead_letter"
	// Recovered: the task has succeeded after a retry.
	Recovered Kind = "recovered"
	// LeftOut is no entry, but the line about a Gap.
	LeftOut Kind = "left_out"
)

// History is what the topics know of one task. The JSON is stable: fields are
// added, not renamed.
type History struct {
	TaskID string `json:"task_id"`
	// Since: records older than this were not looked for, but for failure events
	// that the group has not committed.
	Since time.Time `json:"since"`
	// Complete is false where reading ended early: at the limit of records, or
	// with an error.
	Complete bool `json:"complete"`
	// ToldOfRecoveries: the topic of the recoveries is among what was read.
	ToldOfRecoveries bool `json:"told_of_recoveries,omitempty"`
	// NotRead are the topics that nothing is told of, because the brokers refuse to
	// have them read.
	NotRead []NotRead `json:"not_read,omitempty"`
	// Read counts the records that were looked at, of all tasks.
	Read int64 `json:"records_read"`
	// Entries are ordered by time, the oldest first. There is a LeftOut where they
	// are not all there are: then they are the first and the latest of each kind.
	Entries []Entry `json:"entries"`
	LeftOut *Gap    `json:"left_out,omitempty"`
}

// NotRead is a topic that could not be read.
type NotRead struct {
	Topic string `json:"topic"`
	Why   string `json:"why"`
}

// String says it in words.
func (n NotRead) String() string {
	return fmt.Sprintf("topic %s could not be read, so nothing in it is told: %s", n.Topic, plain.Text(n.Why))
}

// Gap is what a History leaves out between the first and the latest.
type Gap struct {
	Count int `json:"count"`
	// First and Last are the times of the first and the last of them.
	First time.Time `json:"first_at"`
	Last  time.Time `json:"last_at"`
}

// Entry is one record. Exactly one of Failure, Outcome, DeadLetter and Recovery is set,
// as Kind says.
type Entry struct {
	Kind Kind `json:"kind"`
	// At is the record's time; of an outcome, when it was decided.
	At time.Time `json:"at"`
	// Topic, Partition and Offset are where the record stands.
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`

	Failure    *Failure `json:"failure,omitempty"`
	Outcome    *Answer  `json:"outcome,omitempty"`
	DeadLetter *Letter  `json:"dead_letter,omitempty"`
	Recovery   *Success `json:"recovery,omitempty"`
}

// Failure is what a failure event says.
type Failure struct {
	ID          string `json:"id,omitempty"`
	ErrorCode   string `json:"error_code,omitempty"`
	Description string `json:"description,omitempty"`
	UserData    string `json:"user_data,omitempty"`
	// Forced: budget, age and skip codes do not hold it up.
	Forced bool `json:"forced,omitempty"`
	// Answered tells whether an outcome for it was found.
	Answered bool `json:"answered"`
	// PassedOver: it is not answered and stands below what the group has committed,
	// so that nobody will read it.
	PassedOver bool `json:"passed_over,omitempty"`
}

// Answer is what an outcome says.
type Answer struct {
	Outcome  events.Kind   `json:"outcome"`
	Reason   events.Reason `json:"reason"`
	Attempts int           `json:"attempts"`
	// Retries is nil where the outcome does not say.
	Retries *int `json:"retries,omitempty"`
	// CountsAsRetry: it stands for an accepted retry, of the budget.
	CountsAsRetry bool `json:"counts_as_retry,omitempty"`
	// FailedAgain: the task had been retried before.
	FailedAgain bool `json:"failed_again,omitempty"`
	// Partition and Offset are the answered failure event's, EventTime its
	// record's time.
	Partition int              `json:"event_partition"`
	Offset    int64            `json:"event_offset"`
	EventTime time.Time        `json:"event_time"`
	Error     *events.APIError `json:"error,omitempty"`
	// Repeat: an outcome of the same event stands before it; the first counts.
	Repeat bool `json:"repeat,omitempty"`
}

// Success is what a recovery says.
type Success struct {
	Retries int `json:"retries"`
	// Partition and Offset are those of the event that told of the success, EventTime
	// its record's time.
	Partition int       `json:"event_partition"`
	Offset    int64     `json:"event_offset"`
	EventTime time.Time `json:"event_time"`
	// OutcomeID is the ce_id of the outcome that it completes.
	OutcomeID string `json:"outcome_id"`
	UserData  string `json:"user_data,omitempty"`
	// Repeat: another record tells of the same event before it.
	Repeat bool `json:"repeat,omitempty"`
}

// Letter is what a dead letter's headers say.
type Letter struct {
	Reason  events.Defect `json:"reason"`
	Message string        `json:"message"`
	// Count is how often the record has become a dead letter.
	Count int `json:"count"`
	// Partition and Offset are where the record stood in the failed topic.
	Partition int   `json:"event_partition"`
	Offset    int64 `json:"event_offset"`
	// Keyed: the record's key is the task's id. Otherwise its value mentions the
	// id, and may be another task's.
	Keyed bool `json:"keyed"`
}
