package sandbox

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// location is where a failure event is in its topic.
type location struct {
	partition int32
	offset    int64
}

// answer is an outcome or a dead letter.
type answer struct {
	kind     kind
	event    location // of the failure event that it answers
	id       string   // only repeats of one answer have the same
	reason   string
	task     string // of outcomes only, as are the next two
	attempts int
	code     string // of the failure, if known
	detail   string // what is wrong with a dead letter's event, or how a recovery came
	record   *kgo.Record
}

// readOutcome reads an outcome as a subscriber does, and refuses one on which a
// subscriber could not rely.
func readOutcome(k kind, r *kgo.Record) (*answer, error) {
	var v struct {
		TaskID      string `json:"task_id"`
		Outcome     string `json:"outcome"`
		Reason      string `json:"reason"`
		Attempts    int    `json:"attempts"`
		FailedEvent struct {
			Partition *int32 `json:"partition"`
			Offset    *int64 `json:"offset"`
		} `json:"failed_event"`
		Failure struct {
			ErrorCode string `json:"error_code"`
		} `json:"failure"`
		DecidedAt time.Time `json:"decided_at"`
	}
	if err := json.Unmarshal(r.Value, &v); err != nil {
		return nil, fmt.Errorf("an outcome on %s is not JSON: %w", r.Topic, err)
	}
	outcome := map[kind]string{retried: "retried", retryFailed: "retry_failed"}[k]
	id := headerOf(r, "ce_id")
	switch {
	case v.FailedEvent.Partition == nil || v.FailedEvent.Offset == nil:
		return nil, fmt.Errorf("the outcome %q on %s does not say which event it answers", id, r.Topic)
	case id == "" || headerOf(r, "ce_specversion") != "1.0" || headerOf(r, "ce_source") == "":
		return nil, fmt.Errorf("the outcome of task %s on %s is not a CloudEvent 1.0", v.TaskID, r.Topic)
	case v.Outcome != outcome || headerOf(r, "ce_type") != "remux."+outcome:
		return nil, fmt.Errorf("the outcome %q (ce_type %q) of task %s is on the wrong topic, %s", v.Outcome, headerOf(r, "ce_type"), v.TaskID, r.Topic)
	case string(r.Key) != v.TaskID || headerOf(r, "ce_subject") != v.TaskID:
		return nil, fmt.Errorf("the outcome of task %s has the key %q and the subject %q", v.TaskID, r.Key, headerOf(r, "ce_subject"))
	case v.DecidedAt.IsZero():
		return nil, fmt.Errorf("the outcome of task %s does not say when it was decided", v.TaskID)
	}
	return &answer{
		kind: k, event: location{*v.FailedEvent.Partition, *v.FailedEvent.Offset}, id: id,
		reason: v.Reason, task: v.TaskID, attempts: v.Attempts, code: v.Failure.ErrorCode, record: r,
	}, nil
}

// deadLetterHeaders are the headers that the service adds to a dead letter.
var deadLetterHeaders = []string{
	"dead-letter-reason", "dead-letter-message", "dead-letter-topic", "dead-letter-partition",
	"dead-letter-offset", "dead-letter-timestamp", "dead-letter-count",
}

func readDeadLetter(r *kgo.Record) (*answer, error) {
	partition, err1 := strconv.ParseInt(headerOf(r, "dead-letter-partition"), 10, 32)
	offset, err2 := strconv.ParseInt(headerOf(r, "dead-letter-offset"), 10, 64)
	if err1 != nil || err2 != nil {
		return nil, fmt.Errorf("the dead letter at %s/%d/%d does not say where it came from", r.Topic, r.Partition, r.Offset)
	}
	return &answer{
		kind: deadLetter, event: location{int32(partition), offset},
		id:     fmt.Sprintf("%s/%d/%d/%s", headerOf(r, "dead-letter-topic"), partition, offset, headerOf(r, "dead-letter-timestamp")),
		reason: headerOf(r, "dead-letter-reason"), detail: headerOf(r, "dead-letter-message"), record: r,
	}, nil
}

// readRecovery reads a recovery as a subscriber does.
func readRecovery(r *kgo.Record) (*answer, error) {
	var v struct {
		TaskID    string `json:"task_id"`
		Retries   int    `json:"retries"`
		OutcomeID string `json:"outcome_id"`
	}
	id := headerOf(r, "ce_id") // topic, partition, offset and time of the event that it answers
	parts := strings.Split(id, ":")
	if err := json.Unmarshal(r.Value, &v); err != nil || len(parts) != 4 {
		return nil, fmt.Errorf("a recovery on %s, id %q: %w", r.Topic, id, err)
	}
	partition, err1 := strconv.ParseInt(parts[1], 10, 32)
	offset, err2 := strconv.ParseInt(parts[2], 10, 64)
	switch {
	case err1 != nil || err2 != nil || headerOf(r, "ce_type") != "remux.recovered":
		return nil, fmt.Errorf("the recovery %q on %s does not say which event it answers", id, r.Topic)
	case string(r.Key) != v.TaskID || v.OutcomeID == "" || v.Retries < 1:
		return nil, fmt.Errorf("the recovery of task %s on %s has the key %q, %d retries and the outcome %q", v.TaskID, r.Topic, r.Key, v.Retries, v.OutcomeID)
	}
	detail := "after 1 retry"
	if v.Retries > 1 {
		detail = fmt.Sprintf("after %d retries", v.Retries)
	}
	return &answer{kind: recovered, event: location{int32(partition), offset}, id: id, reason: "recovered", task: v.TaskID, detail: detail, record: r}, nil
}

// headerOf returns the header's value: the last one if there are several, empty if
// there is none.
func headerOf(r *kgo.Record, key string) string {
	for _, h := range slices.Backward(r.Headers) {
		if h.Key == key {
			return string(h.Value)
		}
	}
	return ""
}
