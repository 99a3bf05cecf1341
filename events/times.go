package events

import "time"

// timeLayout is RFC 3339 in UTC with milliseconds, always three digits.
const timeLayout = "2006-01-02T15:04:05.000Z"

// hadKafka is before any record of a producer that knew the time.
var hadKafka = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// lastTime is the last that RFC 3339 can write.
var lastTime = time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC)

// HasTime tells whether Time says when the record was written. A producer may have
// given none (-1, which is 1969), or seconds for milliseconds: such a record has no
// age.
func (s Source) HasTime() bool { return !s.Time.Before(hadKafka) }

// hasTimestamp tells whether Time can be written, too. Kafka stores any 64 bits, and
// a producer that takes microseconds for milliseconds writes years beyond 9999; its
// events are answered like any other.
func (s Source) hasTimestamp() bool { return s.HasTime() && !s.Time.After(lastTime) }

// appendTime writes a time as in timeLayout, which AppendFormat takes four times as
// long for; one beyond what RFC 3339 can write becomes the last, or the first, that
// it can.
func appendTime(b []byte, t time.Time) []byte {
	t = t.UTC()
	if t.After(lastTime) {
		t = lastTime
	} else if t.Year() < 0 {
		t = time.Date(0, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	b = append(digits(b, year, 4), '-')
	b = append(digits(b, int(month), 2), '-')
	b = append(digits(b, day, 2), 'T')
	b = append(digits(b, hour, 2), ':')
	b = append(digits(b, minute, 2), ':')
	b = append(digits(b, second, 2), '.')
	return append(digits(b, t.Nanosecond()/1e6, 3), 'Z')
}

// digits writes a number with so many digits.
func digits(b []byte, n, width int) []byte {
	b = append(b, "0000"[:width]...)
	for i := len(b) - 1; n > 0; i-- {
		b[i] += byte(n % 10)
		n /= 10
	}
	return b
}

// parseTime reads what appendTime has written.
func parseTime(text []byte) (time.Time, error) {
	var t time.Time
	if err := t.UnmarshalText(text); err != nil {
		return time.Time{}, err
	}
	if len(text) != len(timeLayout) {
		return time.Time{}, &time.ParseError{Layout: timeLayout, Value: string(text), Message: ": not in milliseconds of UTC"}
	}
	return t, nil
}
