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
	// Retries counts the task's accepted retries within the budget's window,
	// this one included. Nil leaves it out.
	Retries *int
	// AcceptedRetry: an AlreadyRunning that stands for a retry of ours, accepted
	// though no answer told so.
	AcceptedRetry bool
	// PreviousRetry: the task has failed again after this retry. Nil: it has not, or
	// that is not known.
	PreviousRetry *Retry
	// Source and Failure are the question: where the failure event stands, and
	// what it says.
	Source  Source
	Failure Failure
	// Error is the API's last answer, where it was a refusal.
	Error *APIError
	// Covers says which failure events of this task the outcome's call answers,
	// the one at Source among them; with AttemptsExhausted, its last call. Empty if it
	// cost no call, or answers no other. No more than MaxCovers are written and read.
	Covers []Cover
	// DecidedAt is when the answer was known; milliseconds are kept.
	DecidedAt time.Time
	// Origin is the ce_source, see OriginOf.
	Origin string
}

// CountsAsRetry tells whether the outcome stands for an accepted retry, which
// counts against the task's budget.
func (o Outcome) CountsAsRetry() bool { return o.Reason == Accepted || o.AcceptedRetry }

// Retry is an accepted retry of ours, by the outcome that tells of it.
type Retry struct {
	// Source is the failure event that the retry answered: it gives the outcome's ce_id.
	Source Source
	// DecidedAt is the outcome's, in milliseconds.
	DecidedAt time.Time
}

// APIError is an answer of MPC's API. Fields that are not known stay empty; the
// texts are cut to 1 KiB each.
type APIError struct {
	Status    int    `json:"status,omitempty"`
	Code      string `json:"error_code,omitempty"`
	Message   string `json:"error_msg,omitempty"`
	RequestID string `json:"request_id,omitempty"`
}

// MaxCovers bounds what an outcome covers, which anybody who may write to the topic
// could have made long. A task's events stand in one partition if producers key them.
// Whose partition is not among the covers gets a call of its own.
const MaxCovers = 16

// Cover is a stretch of one partition of the failed topic, the topic of the
// outcome's Source.
type Cover struct {
	Partition int `json:"partition"`
	// End is the first offset that is not covered: the partition's end as it
	// was known when the call was sent, or, after a crash, when the task's state
	// was asked for.
	End int64 `json:"end_offset"`
	// Log tells the partition's log from that of a topic of the same name, deleted
	// before or created since; 0: not said.
	Log int64 `json:"log,omitempty"`
}

// Message is an outcome as it is published, to the topic of its Kind.
type Message struct {
	Key, Value []byte
	Headers    []Header
}

// OriginOf is the CloudEvents source of the outcomes of one consumer group,
// "/remux-retrier/" and the group's name. Two groups may answer the same
// failure event; the source tells their answers apart, whose ids are equal.
func OriginOf(group string) string {
	return "/remux-retrier/" + url.PathEscape(group)
}

// id is the ce_id: topic, partition, offset and timestamp in milliseconds, with
// colons between (topic names have none). It must stay as it is for ever:
// subscribers drop repeats by it. The timestamp is part of it because the
// offsets of a topic that was deleted and created again begin at 0 again.
func (s Source) id() string {
	return string(s.appendID(make([]byte, 0, len(s.Topic)+len(":4294967295:9223372036854775807:1763884800000"))))
}

// ID is the ce_id of what answers the event.
func (s Source) ID() string { return s.id() }

func (s Source) appendID(id []byte) []byte {
	id = append(id, s.Topic...)
	for _, n := range [...]int64{int64(s.Partition), s.Offset, s.Time.UnixMilli()} {
		id = append(id, ':')
		id = strconv.AppendInt(id, n, 10)
	}
	return id
}

// parseID is the inverse of id. If topic is the one that it names, no memory is
// allocated for the name.
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

// valid tells whether there can be such a place in Kafka, whose topics are
// named in letters, digits, dots, underscores and hyphens.
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
