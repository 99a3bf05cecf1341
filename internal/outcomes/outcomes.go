// Package outcomes reads what the topics say of many tasks at once: their outcomes
// since a time, and which of their failure events are known to the service. Package
// history does this for one task, with more detail.
//
// It decides nothing and writes nothing. Only package command imports it, and package
// sweep, which judges by it.
//
//	outcomes.go what is told
//	read.go     reading it
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

// DefaultLimit is the usual Config.Limit. Each entry takes some 200 bytes.
const DefaultLimit = 1_000_000

// ErrTooMany is the error where the topics hold more than Config.Limit.
var ErrTooMany = errors.New("the outcome topics hold too much about these tasks since then: read a shorter time")

// Log is what reading the topics asks of Kafka.
type Log interface {
	scan.Log
	Partitions(ctx context.Context, topic string) (int, error)
}

// Config says what is read. All fields but Limit and Progress are required.
type Config struct {
	Log Log
	// Failed, Retried and RetryFailed are the topics' names.
	Failed, Retried, RetryFailed string
	// Positions are what the group has committed for the failed topic.
	Positions func(context.Context) (map[int]consumer.Position, error)
	// Successes: the service reads a record that tells of a success as one
	// (KAFKA_TOPIC_RECOVERED is set). Otherwise such a plain event is a failure event.
	Successes bool
	// Origin is the ce_source of the outcomes that count.
	Origin string
	// Since: older records are not read, but for failure events that the group has not
	// committed, and their outcomes.
	Since time.Time
	// Limit bounds the tasks, outcomes and failure events that are held together.
	// Defaults to DefaultLimit.
	Limit int
	// Progress, where not nil, is told now and then how many records were looked at, of
	// about how many. It is not called concurrently.
	Progress func(read, of int64)
}

// Task is what the topics say of one task.
type Task struct {
	ID string
	// RetryFailed is the latest outcome of kind retry_failed; its time is zero where
	// there is none.
	RetryFailed Refusal
	// Retried is when the latest outcome of kind retried was decided; zero: there is none.
	Retried time.Time
	// Accepted are the times of the accepted retries since Config.Since, the oldest first.
	Accepted []time.Time
	// Waiting: a failure event of the task stands at or above what the group has
	// committed, and no outcome of it was found.
	Waiting bool
	// Ended are the end times that failure events told of, as far as they have one (see
	// events.EndTime) and are answered or waiting. What the group has passed over without
	// an answer does not count.
	Ended []time.Time

	answered map[place]struct{}
	asked    []question // until the end of the reading
}

// Refusal is an outcome of kind retry_failed.
type Refusal struct {
	At     time.Time
	Reason events.Reason
	// FailureCode is why the task failed, APICode what MPC answered the retry; empty
	// where the outcome does not say.
	FailureCode, APICode string
}

// place is where a failure event stands. The offsets of a topic that was created anew
// begin at 0 again, the times do not.
type place struct {
	partition      int
	offset, millis int64
}

func placeOf(s events.Source) place { return place{s.Partition, s.Offset, s.Time.UnixMilli()} }

// question is a failure event.
type question struct {
	place
	ended time.Time
	// waits unless it is answered: it is not below what the group has committed.
	waits bool
}

// Of tells of these tasks. Those that the topics do not know are absent. Failure events
// are read after the outcomes, so that one that comes meanwhile is not missed.
func Of(ctx context.Context, cfg Config, ids map[string]bool) (map[string]*Task, error) {
	return read(ctx, cfg, func(id string) bool { return ids[id] }, false)
}

// Refused tells of the tasks that have an outcome of kind retry_failed.
func Refused(ctx context.Context, cfg Config) (map[string]*Task, error) {
	return read(ctx, cfg, func(string) bool { return true }, true)
}

// conclude sees which failure events are answered, which wait, and which were passed over.
func (t *Task) conclude() {
	for _, q := range t.asked {
		_, answered := t.answered[q.place]
		t.Waiting = t.Waiting || q.waits && !answered
		if (answered || q.waits) && !q.ended.IsZero() {
			t.Ended = append(t.Ended, q.ended)
		}
	}
	slices.SortFunc(t.Accepted, time.Time.Compare)
	t.asked, t.answered = nil, nil
}
