package events_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
	"remux-retrier/events/eventstest"
)

func encodeRecovery(t testing.TB, r events.Recovery) events.Message {
	t.Helper()
	m, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestRecoveryOnTheWire(t *testing.T) {
	m := encodeRecovery(t, eventstest.Recovery())
	const value = `{"task_id":"538526","retries":2,"first_failed_at":"2026-11-23T07:46:40.000Z","recovered_at":"2026-11-23T08:02:10.500Z",` +
		`"outcome_id":"remux.failed:3:1042:1795420800000","retried_at":"2026-11-23T08:00:01.234Z","user_data":"asset\n93f1"}`
	expectMessage(t, m, "538526", value,
		header("ce_specversion", "1.0"),
		header("ce_id", "remux.failed:3:1077:1795420930500"),
		header("ce_source", "/remux-retrier/remux-retrier"),
		header("ce_type", "remux.recovered"),
		header("ce_subject", "538526"),
		header("ce_time", "2026-11-23T08:02:10.500Z"),
		header("content-type", "application/json"),
		header("traceparent", parent),
	)
}

func TestARecoveryIsReadBackAsItWasWritten(t *testing.T) {
	full := eventstest.Recovery()
	bare := full
	bare.FirstFailedAt, bare.UserData, bare.Traceparent = time.Time{}, "", ""
	for _, r := range []events.Recovery{full, bare} {
		m := encodeRecovery(t, r)
		if back, err := events.DecodeRecovery(m.Value, m.Headers); err != nil || back != r {
			t.Errorf("got  %+v, %v\nwant %+v", back, err, r)
		}
		if source, _, ours, ok := events.ReadAnswered(m.Headers, "remux.failed", r.Origin); !ok || !ours || source != r.Source {
			t.Errorf("by its headers it answers %+v, ours: %v, %v", source, ours, ok)
		}
	}
	full.UserData = strings.Repeat("ü", events.MaxUserData)
	m := encodeRecovery(t, full)
	if back, err := events.DecodeRecovery(m.Value, m.Headers); err != nil || back.UserData != "" {
		t.Errorf("a long user_data: %d bytes, %v", len(back.UserData), err)
	}
}

func TestInvalidRecoveriesAreRefused(t *testing.T) {
	for name, spoil := range map[string]func(*events.Recovery){
		"no task id":  func(r *events.Recovery) { r.TaskID = "" },
		"bad task id": func(r *events.Recovery) { r.TaskID = "1\n2" },
		"no event":    func(r *events.Recovery) { r.Source = events.Source{} },
		"no outcome":  func(r *events.Recovery) { r.Retry.Source.Offset = -1 },
		"no decision": func(r *events.Recovery) { r.Retry.DecidedAt = time.Time{} },
		"no retry":    func(r *events.Recovery) { r.Retries = 0 },
		"no time":     func(r *events.Recovery) { r.RecoveredAt = time.Time{} },
		"no origin":   func(r *events.Recovery) { r.Origin = "" },
	} {
		r := eventstest.Recovery()
		spoil(&r)
		if m, err := r.Encode(); err == nil {
			t.Errorf("%s: encoded as %s", name, m.Value)
		}
	}
}

// A foreign writer's record must not count as a recovery.
func TestAStrangersRecordIsNoRecovery(t *testing.T) {
	for name, change := range map[string]func(*events.Message){
		"no JSON":          func(m *events.Message) { m.Value = []byte("x") },
		"not UTF-8":        func(m *events.Message) { m.Value = []byte("{\"a\":\"\xff\"}") },
		"an outcome":       func(m *events.Message) { *m = encode(t, outcome(events.Accepted)) },
		"no headers":       func(m *events.Message) { m.Headers = nil },
		"another task":     eventstest.Replace(`"538526"`, `"538527"`),
		"no outcome":       eventstest.Replace(`remux.failed:3:1042`, `remux.failed:3`),
		"no time":          eventstest.Replace(`"recovered_at"`, `"recovered"`),
		"a bad time":       eventstest.Replace(`08:02:10.500Z`, `08:02`),
		"no retry":         eventstest.Replace(`"retries":2`, `"retries":0`),
		"retries in words": eventstest.Replace(`"retries":2`, `"retries":"two"`),
	} {
		m := encodeRecovery(t, eventstest.Recovery())
		change(&m)
		if r, err := events.DecodeRecovery(m.Value, m.Headers); err == nil {
			t.Errorf("%s: %+v", name, r)
		}
	}
}

func TestASuccessIsReadInEachShapeByWhoAsksForIt(t *testing.T) {
	const notification = `{"event_type":"RemuxComplete","remux_info":{"task_id":"538526","status":"SUCCEED","user_data":"asset"}}`
	const plain = `{"task_id":"538526","status":"SUCCEEDED","user_data":"asset"}`
	for name, c := range map[string]struct {
		value   string
		ignored bool // by ReadFailure; otherwise ReadFailure reads it as a failure
	}{
		"notification":       {notification, true},
		"other spelling":     {strings.Replace(notification, "SUCCEED", "SUCCEEDED", 1), true},
		"with escapes":       {strings.Replace(notification, "SUCCEED", `\u0053UCCEED`, 1), true},
		"SMN":                {eventstest.SMN(notification), true},
		"event of MPC":       {`{"specversion":"1.0","id":"e-1","data":` + notification + `}`, true},
		"plain":              {plain, false},
		"SMN of plain":       {eventstest.SMN(plain), false},
		"structured":         {`{"specversion":"1.0","id":"e-1","data":` + plain + `}`, false},
		"a number for an id": {strings.Replace(plain, `"538526"`, `538526`, 1), false},
	} {
		got, err := events.ReadEvent([]byte(c.value), nil)
		if err != nil || !got.Succeeded || got.TaskID != "538526" || got.UserData != "asset" {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		got, err = events.ReadFailure([]byte(c.value), nil)
		if errors.Is(err, events.ErrNotAFailure) != c.ignored || got.Succeeded || (err == nil) == c.ignored {
			t.Errorf("%s, who does not ask: %+v, %v", name, got, err)
		}
	}
}

func TestWhatIsNoSuccessIsReadAsEver(t *testing.T) {
	values := []string{
		`{"remux_info":{"status":"SUCCEED"}}`, // of which task?
		`{"remux_info":{"status":"SUCCEED","task_id":" "}}`,
		`{"remux_info":{"status":"PROCESSING","task_id":"1"}}`,
		`{"task_id":"1","status":"succeed"}`,
		`{"task_id":"1","status":"SUCCEED","status":"FAILED"}`,
		`{"task_id":"1","status":["SUCCEED"]}`,
		`{"task_id":"1","status":null}`,
		`{"transcode_info":{"task_id":"1","status":"SUCCEED"}}`,
	}
	for _, test := range accepted {
		values = append(values, test.Value)
	}
	for _, test := range refused {
		values = append(values, test.Value)
	}
	for _, value := range values {
		checkNoSuccess(t, []byte(value))
	}
}

// checkNoSuccess compares ReadEvent with ReadFailure.
func checkNoSuccess(t *testing.T, value []byte) {
	t.Helper()
	want, wanted := events.ReadFailure(value, nil)
	if got, err := events.ReadEvent(value, nil); got != want || (err == nil) != (wanted == nil) || err != nil && err.Error() != wanted.Error() {
		t.Errorf("%.200s: %+v, %v, want %+v, %v", value, got, err, want, wanted)
	}
}
