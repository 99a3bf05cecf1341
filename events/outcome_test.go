package events_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
)

// Subscribers drop repeats by the id: not a byte of this test may change.
func TestOutcomeIDStaysForEver(t *testing.T) {
	for want, source := range map[string]events.Source{
		"remux.failed:3:1042:1795420800000":              {Topic: "remux.failed", Partition: 3, Offset: 1042, Time: time.UnixMilli(1795420800000)},
		"t:0:0:-1":                                       {Topic: "t", Time: time.UnixMilli(-1)},
		"t:0:0:-62135596800000":                          {Topic: "t"},
		"a_b-c.d:2147483647:9223372036854775807:1795420": {Topic: "a_b-c.d", Partition: 1<<31 - 1, Offset: 1<<63 - 1, Time: time.UnixMilli(1795420)},
		"t:0:0:1795420800000123":                         {Topic: "t", Time: time.UnixMilli(1795420800000123)},
	} {
		o := outcome(events.Accepted)
		o.Source = source
		if got, _ := headerOf(encode(t, o).Headers, "ce_id"); got != want {
			t.Errorf("ce_id %q, want %q", got, want)
		}
	}
}

func TestOutcomeIDDependsOnTheFailureEventAlone(t *testing.T) {
	first, _ := headerOf(encode(t, outcome(events.Accepted)).Headers, "ce_id")
	o := outcome(events.Rejected)
	o.Failure = events.Failure{TaskID: "2"}
	o.DecidedAt = o.DecidedAt.Add(time.Hour)
	o.Source.Time = o.Source.Time.Add(999 * time.Microsecond).In(time.FixedZone("elsewhere", 3600))
	if again, _ := headerOf(encode(t, o).Headers, "ce_id"); again != first {
		t.Errorf("ce_id %q, then %q", first, again)
	}
}

func TestOutcomeOnTheWire(t *testing.T) {
	o := outcome(events.Accepted)
	o.DecidedAt = o.DecidedAt.In(time.FixedZone("elsewhere", 3600))
	m := encode(t, o)
	const value = `{"task_id":"538526","outcome":"retried","reason":"accepted","message":"MPC accepted the retry.",` +
		`"retries":1,"attempts":1,` +
		`"failed_event":{"topic":"remux.failed","partition":3,"offset":1042,"timestamp":"2026-11-23T08:00:00.000Z","id":"e-1"},` +
		`"failure":{"error_code":"MPC.10105","description":"please retry","user_data":"asset\n93f1"},` +
		`"error":{"status":403,"error_code":"MPC.10212","error_msg":"Operation failed.","request_id":"r-1"},` +
		`"covers":[{"partition":3,"end_offset":1043},{"partition":4,"end_offset":17}],` +
		`"decided_at":"2026-11-23T08:00:01.234Z"}`
	expectMessage(t, m, "538526", value,
		header("ce_specversion", "1.0"),
		header("ce_id", "remux.failed:3:1042:1795420800000"),
		header("ce_source", "/remux-retrier/remux-retrier"),
		header("ce_type", "remux.retried"),
		header("ce_subject", "538526"),
		header("ce_time", "2026-11-23T08:00:01.234Z"),
		header("content-type", "application/json"),
		header("traceparent", parent),
	)
}

func expectMessage(t *testing.T, m events.Message, key, value string, headers ...events.Header) {
	t.Helper()
	if string(m.Key) != key {
		t.Errorf("key %q, want %q", m.Key, key)
	}
	if string(m.Value) != value {
		t.Errorf("value\n%s\nwant\n%s", m.Value, value)
	}
	if !reflect.DeepEqual(m.Headers, headers) {
		t.Errorf("headers %s\nwant %s", m.Headers, headers)
	}
}

func TestWhatIsNotKnownIsLeftOut(t *testing.T) {
	o := outcome(events.Rejected)
	o.Failure = events.Failure{TaskID: "1", Traceparent: "00-invalid"}
	o.Attempts, o.Retries, o.Error, o.Covers = 0, nil, &events.APIError{}, nil
	m := encode(t, o)
	const value = `{"task_id":"1","outcome":"retry_failed","reason":"rejected","message":"` +
		`MPC refused the retry and, as far as its state is known, the task is still failed. The error says why; fix the cause before you retry.",` +
		`"attempts":0,"failed_event":{"topic":"remux.failed","partition":3,"offset":1042,"timestamp":"2026-11-23T08:00:00.000Z"},` +
		`"decided_at":"2026-11-23T08:00:01.234Z"}`
	if string(m.Value) != value {
		t.Errorf("value\n%s\nwant\n%s", m.Value, value)
	}
	if value, n := headerOf(m.Headers, "traceparent"); n != 0 {
		t.Errorf("an invalid traceparent was carried on: %q", value)
	}
}

func TestForeignTextsFitAnOutcome(t *testing.T) {
	long := strings.Repeat("ä", 513)
	o := outcome(events.Rejected)
	o.Failure.ID, o.Failure.ErrorCode, o.Failure.Description = long, "x"+long, "<a&b>\x00"
	o.Error = &events.APIError{Status: 400, Code: long, Message: "a\xffb" + long, RequestID: long}
	m := encode(t, o)
	got, err := events.DecodeOutcome(m.Value, m.Headers)
	if err != nil {
		t.Fatal(err)
	}
	cut := strings.Repeat("ä", 512)
	want := o.Failure
	want.ID, want.ErrorCode = cut, "x"+strings.Repeat("ä", 511)
	if got.Failure != want {
		t.Errorf("failure %+v", got.Failure)
	}
	if e := *got.Error; e != (events.APIError{Status: 400, Code: cut, Message: "a\uFFFDb" + strings.Repeat("ä", 509), RequestID: cut}) {
		t.Errorf("error %+v", e)
	}
	if !strings.Contains(string(m.Value), `<a&b>\u0000`) {
		t.Errorf("the description is not readable: %s", m.Value)
	}
}

// Producers correlate by it: a part of it could match another task.
func TestUserDataIsCarriedWholeOrNotAtAll(t *testing.T) {
	for data, want := range map[string]string{
		strings.Repeat("ü", 2048):       strings.Repeat("ü", 2048),
		strings.Repeat("ü", 2048) + ".": "",
		"a\xff":                         "",
	} {
		o := outcome(events.Accepted)
		o.Failure.UserData = data
		m := encode(t, o)
		got, err := events.DecodeOutcome(m.Value, m.Headers)
		if err != nil || got.Failure.UserData != want || strings.Contains(string(m.Value), "user_data") != (want != "") {
			t.Errorf("%d bytes: %d bytes back, %v", len(data), len(got.Failure.UserData), err)
		}
	}
}

// A producer that writes microseconds instead of milliseconds produces such times.
func TestATimestampBeyondTheYear9999IsAnswered(t *testing.T) {
	o := outcome(events.Accepted)
	o.Source.Time = time.UnixMilli(1795420800000123).UTC()
	m := encode(t, o)
	if strings.Contains(string(m.Value), "timestamp") {
		t.Errorf("RFC 3339 has no such year: %s", m.Value)
	}
	got, err := events.DecodeOutcome(m.Value, m.Headers)
	if err != nil || !got.Source.Time.Equal(o.Source.Time) {
		t.Errorf("read back: %v, %v", got.Source, err)
	}
}

func TestAppendingToOnePartOfAMessageChangesNoOther(t *testing.T) {
	m, want := encode(t, outcome(events.Accepted)), encode(t, outcome(events.Accepted))
	_ = append(m.Value, "xxxxxxxx"...)
	_ = append(m.Key, "xxxxxxxx"...)
	for _, h := range m.Headers {
		_ = append(h.Value, "xxxxxxxx"...)
	}
	if !reflect.DeepEqual(m, want) {
		t.Errorf("got  %s\nwant %s", m, want)
	}
}

func TestOriginsOfTwoGroupsDiffer(t *testing.T) {
	for group, want := range map[string]string{
		"remux-retrier": "/remux-retrier/remux-retrier",
		"a b/c?d":       "/remux-retrier/a%20b%2Fc%3Fd",
	} {
		if got := events.OriginOf(group); got != want {
			t.Errorf("origin of group %q is %q, want %q", group, got, want)
		}
	}
}

func TestInvalidOutcomesAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*events.Outcome){
		"no task id":                 func(o *events.Outcome) { o.Failure.TaskID = "" },
		"bad task id":                func(o *events.Outcome) { o.Failure.TaskID = "1\n2" },
		"task id not UTF-8":          func(o *events.Outcome) { o.Failure.TaskID = "\xff" },
		"unknown reason":             func(o *events.Outcome) { o.Reason = "because" },
		"no reason":                  func(o *events.Outcome) { o.Reason = "" },
		"no topic":                   func(o *events.Outcome) { o.Source.Topic = "" },
		"a colon in the topic":       func(o *events.Outcome) { o.Source.Topic = "a:b" },
		"huge partition":             func(o *events.Outcome) { o.Source.Partition = 1 << 31 },
		"negative attempts":          func(o *events.Outcome) { o.Attempts = -1 },
		"negative retries":           func(o *events.Outcome) { *o.Retries = -1 },
		"negative cover":             func(o *events.Outcome) { o.Covers[0].End = -1 },
		"negative cover's partition": func(o *events.Outcome) { o.Covers[0].Partition = -1 },
		"negative partition":         func(o *events.Outcome) { o.Source.Partition = -1 },
		"negative offset":            func(o *events.Outcome) { o.Source.Offset = -1 },
		"no time":                    func(o *events.Outcome) { o.DecidedAt = time.Time{} },
		"no origin":                  func(o *events.Outcome) { o.Origin = "" },
	} {
		o := outcome(events.Accepted)
		spoil(&o)
		if m, err := o.Encode(); err == nil {
			t.Errorf("%s: encoded as %s", name, m.Value)
		}
	}
}
