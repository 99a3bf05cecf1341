// Package history reads what the topics contain about one task: its failure events, their
// outcomes, its recoveries and its dead letters, in the order of time and in sentences. It
// needs no running service and no database.
//
// It decides nothing, calls nothing and writes nothing. What an instance does between an
// event's arrival and its answer is not in the topics: package story keeps that. Packages
// app, command, page and redrive import it.
//
//	history.go    the result
//	plan.go       which parts of the topics must be read
//	read.go       reads them
//	entry.go      reads a record
//	collector.go  bounds the entries of a task with very many records
//	mention.go    which dead letters are about a task
//	success.go    the success of a task after a retry
//	sentence.go   the result in sentences
//	json.go       the result as JSON
package history

import (
	"fmt"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/plain"
)

// Kind is the kind of an Entry.
type Kind string

// The kinds of entries.
const (
	// FailureEvent: a failure event of the task in the failed topic.
	FailureEvent Kind = "failure_event"
	// Outcome: an answer to one of the task's failure events.
	Outcome Kind = "outcome"
	// DeadLetter: a record that could not be read as a failure event. Its key is the
	// task's id, or its value mentions the id.
	DeadLetter Kind = "dead_letter"
	// Recovered: the task has succeeded after a retry.
	Recovered Kind = "recovered"
	// LeftOut is the kind of the Line about a Gap. No Entry has it.
	LeftOut Kind = "left_out"
)

// History is what the topics contain about one task. The JSON is stable: fields are
// added, not renamed.
type History struct {
	TaskID string `json:"task_id"`
	// Since is the beginning of the interval that was read. Older failure events are
	// included only if the group has not committed them.
	Since time.Time `json:"since"`
	// Complete is false if reading ended early: at the limit of records, or with an
	// error.
	Complete bool `json:"complete"`
	// RecoveriesRead: the topic of the recoveries is among what was read.
	RecoveriesRead bool `json:"told_of_recoveries,omitempty"`
	// NotRead are the topics that were not read, because the brokers refused it.
	NotRead []NotRead `json:"not_read,omitempty"`
	// Read is the number of records that were read, of all tasks.
	Read int64 `json:"records_read"`
	// Entries are ordered by time, the oldest first. If LeftOut is set, they are only
	// the first and the latest of each kind.
	Entries []Entry `json:"entries"`
	LeftOut *Gap    `json:"left_out,omitempty"`
}

// NotRead is a topic that could not be read.
type NotRead struct {
	Topic string `json:"topic"`
	Why   string `json:"why"`
}

// String returns a sentence.
func (n NotRead) String() string {
	return fmt.Sprintf("topic %s could not be read, so its records are missing here: %s", n.Topic, plain.Text(n.Why))
}

// Gap describes the entries that were left out between the first and the latest.
type Gap struct {
	Count int `json:"count"`
	// First and Last are the times of the first and the last entry that was left out.
	First time.Time `json:"first_at"`
	Last  time.Time `json:"last_at"`
}

// Entry is one record. Exactly one of Failure, Outcome, DeadLetter and Recovery is set,
// according to Kind.
type Entry struct {
	Kind Kind `json:"kind"`
	// At is the record's timestamp, or when an outcome was decided.
	At time.Time `json:"at"`
	// Topic, Partition and Offset are where the record is.
	Topic     string `json:"topic"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`

	Failure    *Failure `json:"failure,omitempty"`
	Outcome    *Answer  `json:"outcome,omitempty"`
	DeadLetter *Letter  `json:"dead_letter,omitempty"`
	Recovery   *Success `json:"recovery,omitempty"`
}

// Failure has the contents of a failure event.
type Failure struct {
	ID          string `json:"id,omitempty"`
	ErrorCode   string `json:"error_code,omitempty"`
	Description string `json:"description,omitempty"`
	UserData    string `json:"user_data,omitempty"`
	// Forced: budget, age and skip codes do not apply to it.
	Forced bool `json:"forced,omitempty"`
	// Answered tells whether an outcome for it was found.
	Answered bool `json:"answered"`
	// Skipped: it is not answered, but below the group's committed offset, so it will
	// not be read.
	Skipped bool `json:"passed_over,omitempty"`
}

// Answer has the contents of an outcome.
type Answer struct {
	Outcome  events.Kind   `json:"outcome"`
	Reason   events.Reason `json:"reason"`
	Attempts int           `json:"attempts"`
	// Retries is nil if it is not in the outcome.
	Retries *int `json:"retries,omitempty"`
	// CountsAsRetry: it counts as an accepted retry in the budget.
	CountsAsRetry bool `json:"counts_as_retry,omitempty"`
	// FailedAgain: the task had been retried before.
	FailedAgain bool `json:"failed_again,omitempty"`
	// Partition and Offset are where the answered failure event is, EventTime is its
	// record's timestamp.
	Partition int              `json:"event_partition"`
	Offset    int64            `json:"event_offset"`
	EventTime time.Time        `json:"event_time"`
	Error     *events.APIError `json:"error,omitempty"`
	// Repeat: there is an earlier outcome of the same event. The first counts.
	Repeat bool `json:"repeat,omitempty"`
}

// Success is what a recovery says.
type Success struct {
	Retries int `json:"retries"`
	// Partition and Offset are those of the event that reported the success, EventTime
	// its record's time.
	Partition int       `json:"event_partition"`
	Offset    int64     `json:"event_offset"`
	EventTime time.Time `json:"event_time"`
	// OutcomeID is the ce_id of the outcome that it completes.
	OutcomeID string `json:"outcome_id"`
	UserData  string `json:"user_data,omitempty"`
	// Repeat: there is an earlier recovery of the same retry. The first counts, and is the
	// only one that Lines has.
	Repeat bool `json:"repeat,omitempty"`
}

// Letter has the contents of a dead letter's headers.
type Letter struct {
	Reason  events.Defect `json:"reason"`
	Message string        `json:"message"`
	// Count is how often the record has become a dead letter.
	Count int `json:"count"`
	// Partition and Offset are where the record was in the failed topic.
	Partition int   `json:"event_partition"`
	Offset    int64 `json:"event_offset"`
	// Keyed: the record's key is the task's id. Otherwise its value mentions the id, and
	// may be about another task.
	Keyed bool `json:"keyed"`
}
