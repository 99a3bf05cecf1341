package plain

import (
	"encoding/json"
	"math"
	"testing"
	"time"
)

func TestATimeOfAnyYearIsWritten(t *testing.T) {
	for at, want := range map[time.Time]string{
		time.Date(2026, 11, 30, 1, 2, 3, 4e6, time.UTC):             `"2026-11-30T01:02:03.004Z"`,
		time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC):            `"9999-12-31T23:59:59Z"`,
		time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC):                `"+010000-01-01T00:00:00Z"`,
		time.UnixMilli(math.MaxInt64).UTC():                         `"+292278994-08-17T07:12:55.807Z"`,
		time.UnixMilli(math.MinInt64).UTC():                         `"-292275055-05-16T16:47:04.192Z"`,
		time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC):                   `"-000001-01-01T00:00:00Z"`,
		time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("", 3600)): `"2026-01-01T00:00:00+01:00"`,
	} {
		got, err := json.Marshal(struct{ At Time }{Time{at}})
		if err != nil || string(got) != `{"At":`+want+`}` {
			t.Errorf("%v: %s, %v, want %s", at, got, err, want)
		}
	}
}

func TestATimeIsReadAsItWasWritten(t *testing.T) {
	at := Time{time.Date(2026, 11, 30, 1, 2, 3, 4e6, time.UTC)}
	text, err := json.Marshal(at)
	if err != nil {
		t.Fatal(err)
	}
	var got Time
	if err := json.Unmarshal(text, &got); err != nil || !got.Equal(at.Time) {
		t.Errorf("%v, %v", got, err)
	}
}
