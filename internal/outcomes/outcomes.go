// Package outcomes reads the outcomes of many tasks since a given time from the topics, and
// finds out which of their failure events are answered or waiting. Package history does
// this for one task, with more detail.
//
// It decides nothing and writes nothing. Package command imports it, and package sweep,
// which decides by its results.
//
//	outcomes.go the results
//	read.go     reads the topics
//	record.go   what one record says
package outcomes

import (
	"context"
	"errors"
	"slices"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/scan"
)

// DefaultLimit is the default of Config.Limit. Each entry takes about 200 bytes.
const DefaultLimit = 1_000_000

// ErrTooMany is the error if the topics hold more entries than Config.Limit.
var ErrTooMany = errors.New("the outcome topics have too many records about these tasks: read a shorter time")

// Kafka is what this package needs from Kafka.
type Kafka interface {
	scan.Kafka
	Partitions(ctx context.Context, topic string) (int, error)
}

// Config configures a reading. All fields except Successes, Since, Limit and Progress are
// required.
type Config struct {
	Kafka Kafka
	// Failed, Retried and RetryFailed are the topics' names.
	Failed, Retried, RetryFailed string
	// Positions returns the group's commits for the failed topic.
	Positions func(context.Context) (map[int]consumer.Position, error)
	// Successes: the service reads reports of success (KAFKA_TOPIC_RECOVERED is set).
	// Otherwise a plain event with such a status is a failure event.
	Successes bool
	// Origin is the ce_source of the outcomes that count.
	Origin string
	// Since: older records are not read, except failure events that the group has not
	// committed, and their outcomes. Zero: all are read.
	Since time.Time
	// Limit bounds the tasks, outcomes and failure events that are held together.
	// Defaults to DefaultLimit.
	Limit int
	// Progress, if not nil, is called now and then with how many records were read, of
	// about how many. It is not called concurrently.
	Progress func(read, total int64)
}

// Task is what the topics contain about one task.
type Task struct {
	ID string
	// RetryFailed is the latest outcome of kind retry_failed; its time is zero if there is
	// none.
	RetryFailed Refusal
	// Retried is when the latest outcome of kind retried was decided; zero: there is none.
	Retried time.Time
	// Accepted are the times of the accepted retries since Config.Since, oldest first.
	Accepted []time.Time
	// Waiting: a failure event of the task is at or above the group's committed offset and
	// has no outcome.
	Waiting bool
	// Ended are the end times in the task's failure events, if they have one (see
	// events.EndTime) and are answered or waiting. An event that the group has skipped
	// without an answer does not count.
	Ended []time.Time

	answered map[eventKey]struct{}
	failures []failureEvent // until the reading ends
}

// Refusal is an outcome of kind retry_failed.
type Refusal struct {
	At     time.Time
	Reason events.Reason
	// FailureCode is why the task failed, APICode the code of MPC's answer to the retry;
	// empty if the outcome has none.
	FailureCode, APICode string
}

// eventKey identifies a failure event. It includes the time, because the offsets of a
// recreated topic start at 0 again.
type eventKey struct {
	partition      int
	offset, millis int64
}

func keyOf(s events.Source) eventKey { return eventKey{s.Partition, s.Offset, s.Time.UnixMilli()} }

// failureEvent is a failure event that was read.
type failureEvent struct {
	eventKey
	ended time.Time
	// waits: it is not below the committed offset, so it waits unless it is answered.
	waits bool
}

// Of returns what the topics contain about these tasks. Unknown tasks are absent. Failure
// events are read after the outcomes, so that events published meanwhile are not missed.
func Of(ctx context.Context, cfg Config, ids map[string]bool) (map[string]*Task, error) {
	return read(ctx, cfg, func(id string) bool { return ids[id] }, false)
}

// Refused returns the tasks that have an outcome of kind retry_failed.
func Refused(ctx context.Context, cfg Config) (map[string]*Task, error) {
	return read(ctx, cfg, func(string) bool { return true }, true)
}

// conclude determines which failure events are answered, which wait, and which were
// skipped.
func (t *Task) conclude() {
	for _, f := range t.failures {
		_, answered := t.answered[f.eventKey]
		t.Waiting = t.Waiting || f.waits && !answered
		if (answered || f.waits) && !f.ended.IsZero() {
			t.Ended = append(t.Ended, f.ended)
		}
	}
	slices.SortFunc(t.Accepted, time.Time.Compare)
	t.failures, t.answered = nil, nil
}
