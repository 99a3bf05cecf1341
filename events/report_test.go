package events_test

import (
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
)

func TestAReportIsReadBackWhole(t *testing.T) {
	ended := time.Date(2026, 11, 23, 8, 0, 1, 0, time.UTC)
	for _, id := range []string{"538526", `"quoted"\`, "<script>", "../../etc/passwd", "ü"} {
		m, err := events.Report{TaskID: id, ErrorCode: "MPC.10105", Description: "Please <retry>.", UserData: `{"a":1}`, EndTime: ended}.Message()
		if err != nil {
			t.Fatal(err)
		}
		f, err := events.ReadFailure(m.Value, m.Headers)
		want := events.Failure{TaskID: id, ErrorCode: "MPC.10105", Description: "Please <retry>.", UserData: `{"a":1}`}
		if err != nil || f != want || string(m.Key) != id || !events.EndTime(m.Value).Equal(ended) {
			t.Errorf("%+v, %v, ended %v", f, err, events.EndTime(m.Value))
		}
	}
}

func TestAReportLeavesOutWhatMPCDoesNotSay(t *testing.T) {
	m, err := events.Report{TaskID: "1", UserData: strings.Repeat("x", events.MaxUserData+1), Description: "\xff"}.Message()
	if err != nil || string(m.Value) != "{\"task_id\":\"1\",\"description\":\"\uFFFD\"}" {
		t.Errorf("%s, %v", m.Value, err)
	}
	for _, id := range []string{"", "a b", "\x1b[2J", "\xff", strings.Repeat("9", 129)} {
		if _, err := (events.Report{TaskID: id}).Message(); err == nil {
			t.Errorf("%q is taken for a task's id", id)
		}
	}
}

func TestAnEndTimeIsReadExactlyOrNotAtAll(t *testing.T) {
	at := time.Date(2026, 11, 23, 8, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Time{
		`{"task_id":"1","end_time":"20261123080000"}`: at,
		`{"task_id":1,"end_time":20261123080000}`:     at,
		`{"task_id":"1"}`:                                           {},
		`{"end_time":null}`:                                         {},
		`{"end_time":"yesterday"}`:                                  {},
		`{"end_time":"20261331080000"}`:                             {},
		`{"end_time":2.0261123080000e13}`:                           {},
		`{"end_time":{"end_time":"20261123080000"}}`:                {},
		`{"data":{"end_time":"20261123080000"}}`:                    {},
		`{"end_time":"20261123080000","end_time":"20261123080001"}`: {},
		`["end_time"]`:                                              {},
		`{"end_time":"20261123080000"`:                              {},
		"{\"end_time\":\"\xff\"}":                                   {},
		`{"end_time":"` + strings.Repeat("9", 1<<20) + `"}`:         {},
		`{"end_time":` + strings.Repeat("[", 2000) + strings.Repeat("]", 2000) + `}`: {},
	} {
		if got := events.EndTime([]byte(value)); !got.Equal(want) {
			t.Errorf("%.80s: %v, want %v", value, got, want)
		}
	}
}
