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

// maxMetadata bounds a mark's text. Brokers take 4,096 bytes by default
// (offset.metadata.max.bytes) and refuse the commit beyond.
const maxMetadata = 4000

// Mark is what a commit says beside the low-water mark: which events above it
// are answered, which may have been called, and how old answers can be. Its text
// is
//
//	remux1 clean of=8 log=1795420000000 since=1795420800000 by=k3f9 done=… end
//	remux1 called=1042 of=8 log=1795420000000 since=1795420800000 by=k3f9,a81x done=… end
//
// where since, left out if unknown, is in milliseconds of Unix time, and done,
// left out if empty, holds pairs of varints in unpadded URL-safe base64: how many
// offsets to pass, starting at the low-water mark, and how many of the following
// are answered. The closing word shows that nothing was cut off.
type Mark struct {
	// Called is the offset H at and above which no event has been called. The
	// unanswered events below it are in doubt. Zero: clean, none is.
	Called int64
	// Of is how many partitions the topic had when the group began to read this
	// one. Zero: not said.
	Of int
	// Log names the partition's log: a topic that is created anew gets another
	// name. It is the time, in milliseconds, at which the group began to read it,
	// and is compared with nothing but itself. Zero: not known, since an operator
	// has set the offset.
	Log int64
	// Since: no answer to an event at or above the low-water mark is older, by the
	// clock of its publisher. It is the time when the lowest unanswered event was
	// taken on, or about that of the commit if there is none; as long as events
	// are open that stood in the log before the generation, it is no later than
	// what was committed then. Zero: it is not known, because it was not then.
	Since time.Time
	// Owners are the names of the processes that may have sent requests as the
	// partition's owner within OwnersFor, the latest first: a next owner must leave
	// their requests room in the quota. Empty: not known.
	Owners []string
	// Done are the answered offsets above the low-water mark, ascending,
	// neither overlapping nor touching.
	Done []Interval
}

// Interval is a run of offsets: From and what follows, below To.
type Interval struct{ From, To int64 }

// Encode writes the mark of a commit at the low-water mark low. Where the
// answered offsets do not fit, the highest of them are left out.
func (m Mark) Encode(low int64) string {
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
	number(" of=", int64(m.Of))
	number(" log=", m.Log)
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

// Why ParseMark fails.
var (
	// errNoMark is a commit of somebody else: an operator's reset, another program.
	errNoMark = errors.New("the commit carries no mark of this service")
	errCut    = errors.New("the commit's mark was cut off")
	errDamage = errors.New("the commit's mark is damaged")
)

// ParseMark reads the text of a commit at the low-water mark low. It fails if
// the text is not ours, or not whole.
func ParseMark(text string, low int64) (Mark, error) {
	words := strings.Split(text, " ")
	if words[0] != "remux1" {
		return Mark{}, errNoMark
	}
	if words[len(words)-1] != "end" {
		return Mark{}, fmt.Errorf("%w after %d bytes", errCut, len(text))
	}
	var m Mark
	var said bool
	for _, word := range words[1 : len(words)-1] {
		name, value, _ := strings.Cut(word, "=")
		var err error
		switch name {
		case "clean":
			said = true
		case "called":
			said = true
			m.Called, err = strconv.ParseInt(value, 10, 64)
			if err == nil && m.Called <= 0 {
				err = fmt.Errorf("called=%d", m.Called)
			}
		case "log":
			m.Log, err = strconv.ParseInt(value, 10, 64)
			if err == nil && m.Log <= 0 {
				err = fmt.Errorf("log=%d", m.Log)
			}
		case "of":
			m.Of, err = strconv.Atoi(value)
			if err == nil && m.Of <= 0 {
				err = fmt.Errorf("of=%d", m.Of)
			}
		case "since":
			var ms int64
			ms, err = strconv.ParseInt(value, 10, 64)
			if err == nil && ms <= 0 {
				err = fmt.Errorf("since=%d", ms)
			}
			m.Since = time.UnixMilli(ms)
		case "by":
			m.Owners = strings.Split(value, ",")
			if slices.Contains(m.Owners, "") {
				err = fmt.Errorf("by=%s", value)
			}
		case "done":
			m.Done, err = parseDone(value, low)
		}
		// A word that is not known comes from a newer version, which says in
		// the known ones what this one must know.
		if err != nil {
			return Mark{}, fmt.Errorf("%w: %w", errDamage, err)
		}
	}
	if !said {
		return Mark{}, fmt.Errorf("%w: it says neither clean nor called", errDamage)
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
			return 0, errors.New("done: a number is cut off or too large")
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
			return nil, errors.New("done: an empty run")
		}
		done, at = append(done, Interval{from, to}), to
	}
	return done, nil
}
