package events_test

import (
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
)

func TestARecordWithoutATimestampHasNoAge(t *testing.T) {
	for want, times := range map[bool][]time.Time{
		false: {{}, time.UnixMilli(-1), time.UnixMilli(0), time.UnixMilli(1795420800), time.Date(1999, 12, 31, 23, 59, 59, 0, time.UTC)},
		true:  {time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC), time.UnixMilli(1795420800000), time.UnixMilli(1795420800000123)},
	} {
		for _, at := range times {
			if got := (events.Source{Time: at}).HasTime(); got != want {
				t.Errorf("%v has a time: %v", at, got)
			}
		}
	}
}

// Such records are answered like any other; meaningless times are left out.
func TestOddTimestampsFailNothing(t *testing.T) {
	for _, millis := range []int64{-1 << 63, -1 << 62, -62167219200001, -1, 0, 253402300800000, 1795420800000123, 1 << 62, 1<<63 - 1} {
		o := outcome(events.Accepted)
		o.Source.Time = time.UnixMilli(millis).UTC()
		m := encode(t, o)
		if strings.Contains(string(m.Value), "timestamp") {
			t.Errorf("%d: %s", millis, m.Value)
		}
		got, err := events.DecodeOutcome(m.Value, m.Headers)
		if err != nil || got.Source.Time.UnixMilli() != millis {
			t.Errorf("%d: read back %v, %v", millis, got.Source, err)
		}
		letter, err := events.ReadDeadLetter(events.DeadLetter(o.Source, nil, defect, 100))
		if err != nil || letter.Source.Offset != o.Source.Offset {
			t.Errorf("%d: dead letter %+v, %v", millis, letter, err)
		}
	}
}

// During an update older instances write a timestamp of 1969 that newer ones leave out.
func TestAnOlderVersionsTimestampIsRead(t *testing.T) {
	o := outcome(events.Accepted)
	o.Source.Time = time.UnixMilli(-1).UTC()
	m := encode(t, o)
	replace(`"offset":1042,`, `"offset":1042,"timestamp":"1969-12-31T23:59:59.999Z",`)(&m)
	if _, err := events.DecodeOutcome(m.Value, m.Headers); err != nil {
		t.Error(err)
	}
	replace(`59.999Z`, `59.998Z`)(&m)
	if got, err := events.DecodeOutcome(m.Value, m.Headers); err == nil {
		t.Errorf("read as %+v", got)
	}
}

// A wrong clock must not end the process, which cannot continue without writing its answer.
func TestADecisionAtAnyTimeIsWrittenAndRead(t *testing.T) {
	for want, at := range map[string]time.Time{
		"9999-12-31T23:59:59.999Z": time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		"9999-12-31T23:59:59.998Z": time.Date(9999, 12, 31, 23, 59, 59, 998_000_000, time.UTC),
		"9999-01-01T00:00:00.000Z": time.Date(9998, 12, 31, 23, 0, 0, 0, time.FixedZone("", -3600)),
		"0001-02-03T04:05:06.007Z": time.Date(1, 2, 3, 4, 5, 6, 7_999_999, time.UTC),
	} {
		o := outcome(events.Accepted)
		for _, o.DecidedAt = range []time.Time{at, at.In(time.FixedZone("elsewhere", 3600))} {
			m := encode(t, o)
			got, err := events.DecodeOutcome(m.Value, m.Headers)
			if said, _ := headerOf(m.Headers, "ce_time"); err != nil || said != want || got.DecidedAt.Format("2006-01-02T15:04:05.000Z") != want {
				t.Errorf("%v: %s, read as %v, %v; want %s", at, said, got.DecidedAt, err, want)
			}
		}
	}
	for _, at := range []time.Time{time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC), time.UnixMilli(1<<63 - 1), time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)} {
		o := outcome(events.Accepted)
		o.DecidedAt = at
		m := encode(t, o)
		if _, err := events.DecodeOutcome(m.Value, m.Headers); err != nil {
			t.Errorf("%v: %s: %v", at, m.Value, err)
		}
	}
}

func TestTimesAreWrittenAsTheLayoutSays(t *testing.T) {
	o := outcome(events.Accepted)
	for day := range 800 {
		o.DecidedAt = time.Date(2023, 1, 1, day%24, day%60, (day*7)%60, day*1_234_567, time.UTC).AddDate(0, 0, day)
		want := o.DecidedAt.Format("2006-01-02T15:04:05.000Z")
		if got, _ := headerOf(encode(t, o).Headers, "ce_time"); got != want {
			t.Fatalf("%s, want %s", got, want)
		}
	}
}
