package events

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// DeadLetterInfo is the content of a dead letter's own headers.
type DeadLetterInfo struct {
	Reason  Defect
	Message string
	// Source is the record's position in the failed topic.
	Source Source
	// Count is how often the record has become a dead letter, 1 or more.
	Count int
	// Size is the record's size in bytes if the dead letter does not contain it, see
	// DeadLetterReference; else 0.
	Size int64
}

// ReadDeadLetter reads the headers that DeadLetter has added, the last of each name. It
// fails if they are missing or incomplete: a foreign record is not written to a topic it
// never was in.
func ReadDeadLetter(headers []Header) (DeadLetterInfo, error) {
	values := map[string]string{}
	var size int64
	for _, h := range headers {
		switch h.Key {
		case deadLetterCount:
			size = 0 // earlier ones are the record's own
		case deadLetterSize:
			size, _ = strconv.ParseInt(string(h.Value), 10, 64)
		}
		if slices.Contains(deadLetterHeaders, h.Key) {
			values[h.Key] = string(h.Value)
		}
	}
	partition, errPartition := strconv.Atoi(values[deadLetterPartition])
	offset, errOffset := strconv.ParseInt(values[deadLetterOffset], 10, 64)
	count, errCount := strconv.Atoi(values[deadLetterCount])
	// Zero for a year that RFC 3339 cannot express but DeadLetter wrote; nothing depends on
	// it.
	at, _ := time.Parse(time.RFC3339, values[deadLetterTimestamp])
	letter := DeadLetterInfo{
		Reason: Defect(values[deadLetterReason]), Message: values[deadLetterMessage], Count: count, Size: size,
		Source: Source{Topic: values[deadLetterTopic], Partition: partition, Offset: offset, Time: at},
	}
	if err := errors.Join(errPartition, errOffset, errCount); err != nil || letter.Reason == "" || count < 1 || !letter.Source.valid() {
		return DeadLetterInfo{}, fmt.Errorf("not a dead letter of this service: its dead-letter-* headers are missing or incomplete (%.200q)", values)
	}
	return letter, nil
}

// RedriveHeaders returns the headers of a dead letter that goes back to the failed topic:
// the record's own, and of those that DeadLetter added only dead-letter-count, at the end,
// so that a repeated dead letter is recognized.
func RedriveHeaders(headers []Header) []Header {
	added := map[string]int{}
	for i, h := range headers {
		if slices.Contains(deadLetterHeaders, h.Key) {
			added[h.Key] = i
		}
	}
	restored := make([]Header, 0, len(headers))
	for i, h := range headers {
		if at, ours := added[h.Key]; !ours || i != at {
			restored = append(restored, h)
		}
	}
	if at, ours := added[deadLetterCount]; ours {
		restored = append(restored, headers[at])
	}
	return restored
}
