package events

import (
	"math"
	"strconv"
)

// DeadLetterMessageLimit is the usual limit of dead-letter-message in bytes.
const DeadLetterMessageLimit = 1 << 10

// Headers that a dead letter has in addition to the record's own.
const (
	deadLetterReason    = "dead-letter-reason"
	deadLetterMessage   = "dead-letter-message"
	deadLetterTopic     = "dead-letter-topic"
	deadLetterPartition = "dead-letter-partition"
	deadLetterOffset    = "dead-letter-offset"
	deadLetterTimestamp = "dead-letter-timestamp"
	deadLetterCount     = "dead-letter-count"
	// Additional headers of a dead letter that does not contain its record.
	deadLetterSize       = "dead-letter-size"
	deadLetterLastOffset = "dead-letter-last-offset"
)

var deadLetterHeaders = []string{
	deadLetterReason, deadLetterMessage, deadLetterTopic, deadLetterPartition,
	deadLetterOffset, deadLetterTimestamp, deadLetterCount,
}

// DeadLetter returns the headers of a dead letter: the record's own headers, unchanged and
// in order, then the seven dead-letter-* headers, which say why the record was unreadable
// and where it was. Key and value are published unchanged. If the record already has
// headers of these names, the last one of each name is ours.
//
// One header is dropped: a dead-letter-count at the end, which RedriveHeaders leaves there.
// The new count continues from it.
//
// dead-letter-message is cut to messageLimit bytes, usually DeadLetterMessageLimit. If the
// dead letter exceeds its topic's limit, a messageLimit of 0 saves as much as possible:
// nothing else may be shortened.
func DeadLetter(source Source, headers []Header, u *Unreadable, messageLimit int) []Header {
	own, before := splitCount(headers)
	all := append(make([]Header, 0, len(own)+len(deadLetterHeaders)), own...)
	for _, h := range [...]struct{ key, value string }{
		{deadLetterReason, string(u.Reason)},
		{deadLetterMessage, u.Message[:cut(u.Message, messageLimit)]},
		{deadLetterTopic, source.Topic},
		{deadLetterPartition, strconv.Itoa(source.Partition)},
		{deadLetterOffset, strconv.FormatInt(source.Offset, 10)},
		{deadLetterTimestamp, source.Time.UTC().Format(timeLayout)},
		{deadLetterCount, strconv.Itoa(before + 1)},
	} {
		all = append(all, Header{Key: h.key, Value: []byte(h.value)})
	}
	return all
}

// DeadLetterReference returns the headers of a dead letter that stands for a record of size
// bytes without containing it: its key is null and its value empty. If last is not the
// source's offset, it stands for all records up to last.
func DeadLetterReference(source Source, u *Unreadable, size, last int64) []Header {
	all := DeadLetter(source, nil, u, DeadLetterMessageLimit)
	all = append(all, Header{Key: deadLetterSize, Value: strconv.AppendInt(nil, size, 10)})
	if last > source.Offset {
		all = append(all, Header{Key: deadLetterLastOffset, Value: strconv.AppendInt(nil, last, 10)})
	}
	return all
}

// splitCount splits a record's headers into its own and the count that RedriveHeaders left
// at the end: how often the record was a dead letter before.
func splitCount(headers []Header) (own []Header, count int) {
	last := len(headers) - 1
	if last < 0 || headers[last].Key != deadLetterCount {
		return headers, 0
	}
	written := string(headers[last].Value)
	count, err := strconv.Atoi(written)
	if err != nil || count < 1 || count == math.MaxInt || strconv.Itoa(count) != written {
		return headers, 0
	}
	return headers[:last], count
}
