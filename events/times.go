package events

import "time"

// timeLayout is RFC 3339 in UTC with milliseconds, always three digits.
const timeLayout = "2006-01-02T15:04:05.000Z"

// earliestTime is the earliest plausible time of a record.
var earliestTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// lastTime is the last time that RFC 3339 can express.
var lastTime = time.Date(9999, 12, 31, 23, 59, 59, 999_000_000, time.UTC)

// HasTime reports whether Time is a real record time. A producer may have written none (-1,
// which is 1969), or seconds instead of milliseconds: such a record has no age.
func (s Source) HasTime() bool { return !s.Time.Before(earliestTime) }

// hasTimestamp reports whether Time can also be written. Kafka stores any 64 bits, and a
// producer that writes microseconds instead of milliseconds produces years beyond 9999; its
// events are answered like any other.
func (s Source) hasTimestamp() bool { return s.HasTime() && !s.Time.After(lastTime) }

// appendTime writes a time in timeLayout; AppendFormat takes four times as long. A time
// outside RFC 3339 becomes the last or first one that it can express.
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

// digits writes a number with a fixed width.
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
