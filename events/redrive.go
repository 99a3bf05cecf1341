package events

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Letter is what a dead letter's own headers say.
type Letter struct {
	Reason  Defect
	Message string
	// Source is where the record stood in the failed topic.
	Source Source
	// Count is how often the record has become a dead letter, 1 or more.
	Count int
	// Size is not 0 where the dead letter does not carry the record, see Reference.
	Size int64
}

// ReadDeadLetter reads the headers that DeadLetter has added, which are the last
// of their names. It fails where they
// are not there, or not whole: a stranger's record is not put back into a topic
// that it never was in.
func ReadDeadLetter(headers []Header) (Letter, error) {
	values := map[string]string{}
	var size int64
	for _, h := range headers {
		switch h.Key {
		case deadLetterCount:
			size = 0 // what stands before ours is the record's own
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
	// Zero for a year that RFC 3339 cannot write, which DeadLetter wrote all the
	// same; nothing depends on it.
	at, _ := time.Parse(time.RFC3339, values[deadLetterTimestamp])
	letter := Letter{
		Reason: Defect(values[deadLetterReason]), Message: values[deadLetterMessage], Count: count, Size: size,
		Source: Source{Topic: values[deadLetterTopic], Partition: partition, Offset: offset, Time: at},
	}
	if err := errors.Join(errPartition, errOffset, errCount); err != nil || letter.Reason == "" || count < 1 || !letter.Source.valid() {
		return Letter{}, fmt.Errorf("not a dead letter of this service: its dead-letter-* headers are missing or not whole (%.200q)", values)
	}
	return letter, nil
}

// Redriven gives the headers with which a dead letter goes back to the failed
// topic: the record's own, and of those that DeadLetter has added only
// dead-letter-count, at the end, so that a record that comes back is known to
// have.
func Redriven(headers []Header) []Header {
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
