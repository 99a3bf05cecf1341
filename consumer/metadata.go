package consumer

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxMetadata bounds the text in bytes. Brokers accept 4,096 bytes by default
// (offset.metadata.max.bytes) and refuse a commit with more.
const maxMetadata = 4000

// CommitMetadata is stored with each commit, beside the low-water mark. It tells the next
// owner which events above the mark are answered, which may have been called, and how old
// answers can be. Its text is
//
//	remux1 clean of=8 log=1795420000000 since=1795420800000 by=k3f9 done=… end
//	remux1 called=1042 of=8 log=1795420000000 since=1795420800000 by=k3f9,a81x done=… end
//
// since is in Unix milliseconds. What is unknown or empty is left out. done holds pairs of
// varints in unpadded URL-safe base64, starting at the low-water mark: how many offsets to
// skip, then how many are answered. The word end shows that the text was not truncated.
type CommitMetadata struct {
	// Called is the call high-water mark: no event at or above this offset has been called.
	// Unanswered events below it are in doubt. Zero (clean): no event is in doubt.
	Called int64
	// TopicPartitions is the topic's partition count when the group began to read this
	// partition. Zero: unknown.
	TopicPartitions int
	// LogID identifies the partition's log: a recreated topic gets another one. It is the
	// Unix time in milliseconds when the group began to read the log, and is only ever
	// compared for equality. Zero: unknown, because another program has committed the offset.
	LogID int64
	// Since is a lower bound on the time of answers to events at or above the low-water
	// mark, by the clock of their publisher. It is the time when the lowest unanswered
	// event was received; without one, about the time of the commit. While events from
	// before this generation are unanswered, it is not later than the Since committed
	// before. Zero: unknown.
	Since time.Time
	// Owners are the names of the processes that may have sent requests as the partition's
	// owner within OwnersFor, latest first. The next owner must leave quota for their
	// requests. Empty: unknown.
	Owners []string
	// Done are the answered offsets above the low-water mark: ascending, not overlapping,
	// with gaps between them.
	Done []Interval
}

// Interval is a range of offsets: From is included, To is not.
type Interval struct{ From, To int64 }

// Encode returns the text for a commit at the low-water mark low. If the answered offsets
// do not fit, the highest are left out.
func (m CommitMetadata) Encode(low int64) string {
	text := make([]byte, 0, len("remux1 called= of= log= since= end")+4*len("9223372036854775807"))
	number := func(name string, n int64) {
		if n > 0 {
			text = strconv.AppendInt(append(text, name...), n, 10)
		}
	}
	text = append(text, "remux1"...)
	if m.Called <= 0 {
		text = append(text, " clean"...)
	}
	number(" called=", m.Called)
	number(" of=", int64(m.TopicPartitions))
	number(" log=", m.LogID)
	number(" since=", m.Since.UnixMilli())
	if len(m.Owners) > 0 {
		text = append(append(text, " by="...), strings.Join(m.Owners, ",")...)
	}
	room := base64.RawURLEncoding.DecodedLen(maxMetadata - len(text) - len(" done= end"))
	var done []byte
	at := low
	for _, i := range m.Done {
		longer := binary.AppendUvarint(done, uint64(i.From-at))
		longer = binary.AppendUvarint(longer, uint64(i.To-i.From))
		if len(longer) > room {
			break
		}
		done, at = longer, i.To
	}
	if len(done) > 0 {
		text = base64.RawURLEncoding.AppendEncode(append(text, " done="...), done)
	}
	return string(append(text, " end"...))
}

// Why ParseCommitMetadata fails.
var (
	// errForeign: another program committed, such as an operator's offset reset.
	errForeign   = errors.New("the commit has no metadata of this service")
	errTruncated = errors.New("the commit's metadata is truncated")
	errDamaged   = errors.New("the commit's metadata is damaged")
)

// ParseCommitMetadata reads the text of a commit at the low-water mark low. It fails if the
// text is not ours, truncated or damaged. Words that it does not know are skipped.
func ParseCommitMetadata(text string, low int64) (CommitMetadata, error) {
	words := strings.Split(text, " ")
	if words[0] != "remux1" {
		return CommitMetadata{}, errForeign
	}
	if words[len(words)-1] != "end" {
		return CommitMetadata{}, fmt.Errorf("%w after %d bytes", errTruncated, len(text))
	}
	var m CommitMetadata
	var hasState bool // clean or called
	for _, word := range words[1 : len(words)-1] {
		name, value, _ := strings.Cut(word, "=")
		number, bad := strconv.ParseInt(value, 10, 64)
		if bad == nil && number <= 0 {
			bad = errors.New(word)
		}
		var err error
		switch name {
		case "clean":
			hasState = true
		case "called":
			hasState = true
			m.Called, err = number, bad
		case "log":
			m.LogID, err = number, bad
		case "of":
			m.TopicPartitions, err = int(number), bad
		case "since":
			m.Since, err = time.UnixMilli(number), bad
		case "by":
			m.Owners = strings.Split(value, ",")
			if slices.Contains(m.Owners, "") {
				err = fmt.Errorf("by=%s", value)
			}
		case "done":
			m.Done, err = parseDone(value, low)
		}
		// A newer version may add words. It still writes the known ones so that this
		// version can rely on them.
		if err != nil {
			return CommitMetadata{}, fmt.Errorf("%w: %w", errDamaged, err)
		}
	}
	if !hasState {
		return CommitMetadata{}, fmt.Errorf("%w: neither clean nor called is present", errDamaged)
	}
	return m, nil
}

func parseDone(text string, low int64) ([]Interval, error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, err
	}
	var done []Interval
	next := func(at int64) (int64, error) {
		n, size := binary.Uvarint(raw)
		if size <= 0 || n > uint64(math.MaxInt64-at) {
			return 0, errors.New("done: a number is truncated or too large")
		}
		raw = raw[size:]
		return at + int64(n), nil
	}
	for at := low; len(raw) > 0; {
		from, err := next(at)
		if err != nil {
			return nil, err
		}
		to, err := next(from)
		if err != nil {
			return nil, err
		}
		if to == from || (len(done) > 0 && from == at) {
			return nil, errors.New("done: an empty interval, or no gap between two")
		}
		done, at = append(done, Interval{from, to}), to
	}
	return done, nil
}
