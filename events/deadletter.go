package events

import (
	"math"
	"strconv"
)

// DeadLetterMessageLimit is the usual limit of dead-letter-message, in bytes.
const DeadLetterMessageLimit = 1 << 10

// The headers of a dead letter, beside those that the record came with.
const (
	deadLetterReason    = "dead-letter-reason"
	deadLetterMessage   = "dead-letter-message"
	deadLetterTopic     = "dead-letter-topic"
	deadLetterPartition = "dead-letter-partition"
	deadLetterOffset    = "dead-letter-offset"
	deadLetterTimestamp = "dead-letter-timestamp"
	deadLetterCount     = "dead-letter-count"
	// Behind these, of a dead letter that stands for records which it does not carry.
	deadLetterSize       = "dead-letter-size"
	deadLetterLastOffset = "dead-letter-last-offset"
)

var deadLetterHeaders = []string{
	deadLetterReason, deadLetterMessage, deadLetterTopic, deadLetterPartition,
	deadLetterOffset, deadLetterTimestamp, deadLetterCount,
}

// DeadLetter gives the headers of a dead letter: those of the record, byte for
// byte and in their order, then the seven dead-letter-* headers, which say why
// it was not readable and where it stood. Key and value go with them unchanged.
// A producer may have used these names: of several the last one is ours.
//
// One header is not kept: a dead-letter-count at the end, which Redriven leaves
// there. Ours goes on from it.
//
// dead-letter-message is cut to messageLimit bytes, usually
// DeadLetterMessageLimit. If the record then exceeds what its topic takes, a
// limit of 0 is the most that can be saved: nothing else may be shortened.
func DeadLetter(source Source, headers []Header, u *Unreadable, messageLimit int) []Header {
	came, before := cameBefore(headers)
	all := append(make([]Header, 0, len(came)+len(deadLetterHeaders)), came...)
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

// Reference gives the headers of a dead letter that stands for a record, of so many
// bytes, which it does not carry: its key is null and its value empty. Where last
// is another offset than the source's, it stands for all records up to there.
func Reference(source Source, u *Unreadable, size, last int64) []Header {
	all := DeadLetter(source, nil, u, DeadLetterMessageLimit)
	all = append(all, Header{Key: deadLetterSize, Value: strconv.AppendInt(nil, size, 10)})
	if last > source.Offset {
		all = append(all, Header{Key: deadLetterLastOffset, Value: strconv.AppendInt(nil, last, 10)})
	}
	return all
}

// cameBefore splits a record's headers into its own and what Redriven has left at
// their end: how often the record was a dead letter before.
func cameBefore(headers []Header) (own []Header, count int) {
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
