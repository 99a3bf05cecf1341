package events

import (
	"bytes"
	"math"
	"net/url"
	"strconv"
	"time"
)

// Outcome is the answer to one failure event.
type Outcome struct {
	Reason Reason
	// Attempts counts the retry calls made for this event; 0 is possible.
	Attempts int
	// Retries counts the task's accepted retries within the budget's window, including this
	// one. Nil leaves it out.
	Retries *int
	// AcceptedRetry: an AlreadyRunning outcome that stands for our own retry, which was
	// accepted without an answer.
	AcceptedRetry bool
	// PreviousRetry: the task has failed again after this retry. Nil: it has not, or that
	// is unknown.
	PreviousRetry *Retry
	// Source and Failure are the failure event: its position and its content.
	Source  Source
	Failure Failure
	// Error is the API's last answer, if it was an error.
	Error *APIError
	// Covers are the failure events of this task that the outcome's call answers, including
	// the one at Source; for AttemptsExhausted, those of its last call. After a crash they
	// may be those of a state query instead. Empty if the outcome follows from neither. At
	// most MaxCovers are written and read.
	Covers []Cover
	// DecidedAt is when the answer was known, in milliseconds.
	DecidedAt time.Time
	// Origin is the ce_source, see OriginOf.
	Origin string
}

// CountsAsRetry reports whether the outcome stands for an accepted retry, which counts
// against the task's budget.
func (o Outcome) CountsAsRetry() bool { return o.Reason == Accepted || o.AcceptedRetry }

// Retry is an accepted retry of ours.
type Retry struct {
	// Source is the failure event that the retry answered; the outcome's ce_id is made from
	// it.
	Source Source
	// DecidedAt is the outcome's, in milliseconds.
	DecidedAt time.Time
}

// APIError is an error answer of MPC's API. Unknown fields are empty; texts are cut to 1
// KiB each.
type APIError struct {
	Status    int    `json:"status,omitempty"`
	Code      string `json:"error_code,omitempty"`
	Message   string `json:"error_msg,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}

// MaxCovers limits an outcome's covers, because any writer to the topic could make them
// long. If producers key by task, a task's events are in one partition. A partition that is
// not among the covers gets a call of its own.
const MaxCovers = 16

// Cover is a range of one partition of the failed topic (the topic of the outcome's
// Source).
type Cover struct {
	Partition int `json:"partition"`
	// End is the first offset that is not covered: the known end of the partition when the
	// call was sent, or, after a crash, when the task's state was queried.
	End int64 `json:"end_offset"`
	// LogID distinguishes the partition's log from that of a deleted or recreated topic of
	// the same name; 0: unknown.
	LogID int64 `json:"log,omitempty"`
}

// Message is a record to be published: an outcome, a recovery or a failure event.
type Message struct {
	Key, Value []byte
	Headers    []Header
}

// OriginOf returns the CloudEvents source of a consumer group's outcomes: "/remux-retrier/"
// and the group's name. Two groups may answer the same failure event with equal ids; the
// source tells their answers apart.
func OriginOf(group string) string {
	return "/remux-retrier/" + url.PathEscape(group)
}

// ID is the ce_id of an answer to the event: topic, partition, offset and timestamp in
// milliseconds, separated by colons (topic names contain none). It must never change:
// subscribers drop repeats by it. It includes the timestamp because the offsets of a
// recreated topic start at 0 again.
func (s Source) ID() string {
	return string(s.appendID(make([]byte, 0, len(s.Topic)+len(":4294967295:9223372036854775807:1763884800000"))))
}

func (s Source) appendID(id []byte) []byte {
	id = append(id, s.Topic...)
	for _, n := range [...]int64{int64(s.Partition), s.Offset, s.Time.UnixMilli()} {
		id = append(id, ':')
		id = strconv.AppendInt(id, n, 10)
	}
	return id
}

// parseID is the inverse of ID. If topic is the one in id, no memory is allocated for the
// name.
func parseID(id []byte, topic string) (s Source, ok bool) {
	name, rest, _ := bytes.Cut(id, []byte(":"))
	partitionText, rest, _ := bytes.Cut(rest, []byte(":"))
	offsetText, millisText, _ := bytes.Cut(rest, []byte(":"))
	partition, errPartition := strconv.ParseInt(string(partitionText), 10, 32)
	offset, errOffset := strconv.ParseInt(string(offsetText), 10, 64)
	millis, errMillis := strconv.ParseInt(string(millisText), 10, 64)
	if errPartition != nil || errOffset != nil || errMillis != nil {
		return Source{}, false
	}
	if string(name) != topic {
		topic = string(name)
	}
	s = Source{Topic: topic, Partition: int(partition), Offset: offset, Time: time.UnixMilli(millis).UTC()}
	return s, s.valid() && bytes.Equal(s.appendID(make([]byte, 0, 128)), id)
}

// valid reports whether Kafka can have such a position. Topic names consist of letters,
// digits, dots, underscores and hyphens.
func (s Source) valid() bool {
	for _, c := range []byte(s.Topic) {
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
		default:
			return false
		}
	}
	return s.Topic != "" && s.Partition >= 0 && s.Partition <= math.MaxInt32 && s.Offset >= 0
}
