package events

import (
	"math"
	"slices"
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
)

var deadLetterHeaders = []string{
	deadLetterReason, deadLetterMessage, deadLetterTopic, deadLetterPartition,
	deadLetterOffset, deadLetterTimestamp, deadLetterCount,
}

// DeadLetter gives the headers of a dead letter: those of the record, byte for
// byte and in their order, then the seven dead-letter-* headers, which say why
// it was not readable and where it stood. Key and value go with them unchanged.
//
// Of a dead letter that was put back and is unreadable again, the earlier
// dead-letter-* headers are replaced, and dead-letter-count goes on from the
// earlier one.
//
// dead-letter-message is cut to messageLimit bytes, usually
// DeadLetterMessageLimit. If the record then exceeds what its topic takes, a
// limit of 0 is the most that can be saved: nothing else may be shortened.
func DeadLetter(source Source, headers []Header, u *Unreadable, messageLimit int) []Header {
	count := 1
	all := make([]Header, 0, len(headers)+len(deadLetterHeaders))
	for _, h := range headers {
		if h.Key == deadLetterCount {
			if earlier, err := strconv.Atoi(string(h.Value)); err == nil && earlier > 0 && earlier < math.MaxInt {
				count = earlier + 1
			}
		}
		if !slices.Contains(deadLetterHeaders, h.Key) {
			all = append(all, h)
		}
	}
	for _, h := range [...]struct{ key, value string }{
		{deadLetterReason, string(u.Reason)},
		{deadLetterMessage, u.Message[:cut(u.Message, messageLimit)]},
		{deadLetterTopic, source.Topic},
		{deadLetterPartition, strconv.Itoa(source.Partition)},
		{deadLetterOffset, strconv.FormatInt(source.Offset, 10)},
		{deadLetterTimestamp, source.Time.UTC().Format(timeLayout)},
		{deadLetterCount, strconv.Itoa(count)},
	} {
		all = append(all, Header{Key: h.key, Value: []byte(h.value)})
	}
	return all
}
