package events_test

import (
	"reflect"
	"strings"
	"testing"

	"remux-retrier/events"
)

func TestEveryReasonIsReadBackAsWritten(t *testing.T) {
	for _, reason := range events.Reasons() {
		full := outcome(reason)
		bare := full
		bare.Retries, bare.Error, bare.Covers, bare.Attempts = nil, nil, nil, 0
		bare.Failure = events.Failure{TaskID: "1"}
		for _, want := range []events.Outcome{full, bare} {
			m := encode(t, want)
			got, err := events.DecodeOutcome(m.Value, m.Headers)
			if err != nil {
				t.Fatalf("%s: %v", reason, err)
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s:\ngot  %+v\nwant %+v", reason, got, want)
			}
		}
	}
}

// The ledger trusts what it reads: a foreign message on an outcome topic must not count as
// an answer.
func TestAStrangersMessageIsNoOutcome(t *testing.T) {
	for name, spoil := range map[string]func(m *events.Message){
		"no headers":             func(m *events.Message) { m.Headers = nil },
		"no value":               func(m *events.Message) { m.Value = nil },
		"not JSON":               func(m *events.Message) { m.Value = m.Value[1:] },
		"another specversion":    set("ce_specversion", "0.3"),
		"no id":                  set("ce_id", ""),
		"an id of another form":  set("ce_id", "8f14e45f-ceea-467f-a9a3-1c0c2a1f7a11"),
		"an id of another event": set("ce_id", "remux.failed:3:1043:1795420800000"),
		"another spelling":       set("ce_id", "remux.failed:03:1042:1795420800000"),
		"a negative partition":   set("ce_id", "remux.failed:-3:1042:1795420800000"),
		"a negative offset":      set("ce_id", "remux.failed:3:-1042:1795420800000"),
		"a partition too large":  set("ce_id", "remux.failed:4294967299:1042:1795420800000"),
		"an id of another time":  set("ce_id", "remux.failed:3:1042:1795420800001"),
		"no source":              set("ce_source", ""),
		"another type":           set("ce_type", "remux.retry_failed"),
		"another subject":        set("ce_subject", "538527"),
		"another topic":          replace(`"topic":"remux.failed"`, `"topic":"other"`),
		"another partition":      replace(`"partition":3,"offset"`, `"partition":4,"offset"`),
		"another offset":         replace(`"offset":1042`, `"offset":1041`),
		"no timestamp":           replace(`"timestamp":"2026-11-23T08:00:00.000Z",`, ``),
		"an unknown reason":      replace(`"accepted"`, `"because"`),
		"a contradiction":        replace(`"outcome":"retried"`, `"outcome":"retry_failed"`),
		"another reason's kind":  replace(`"accepted"`, `"rejected"`),
		"a time of another form": replace(`08:00:01.234Z"}`, `08:00:01Z"}`),
		"a time of another zone": replace(`08:00:01.234Z"}`, `09:00:01+01:00"}`),
		"a day that is none":     replace(`2026-11-23T08:00:01`, `2026-11-31T08:00:01`),
		"no time":                replace(`"decided_at"`, `"decided"`),
		"no task id":             replace(`"task_id":"538526"`, `"id":"538526"`),
		"negative attempts":      replace(`"attempts":1`, `"attempts":-1`),
		"negative retries":       replace(`"retries":1`, `"retries":-1`),
		"a cover nowhere":        replace(`"end_offset":17`, `"end_offset":-17`),
		"a cover in no place":    replace(`{"partition":4`, `{"partition":-4`),
	} {
		m := encode(t, outcome(events.Accepted))
		spoil(&m)
		got, err := events.DecodeOutcome(m.Value, m.Headers)
		if err == nil {
			t.Errorf("%s: read as %+v", name, got)
		} else if !reflect.DeepEqual(got, events.Outcome{}) || !strings.HasPrefix(err.Error(), "read an outcome: ") {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestFieldsOfALaterVersionAreNoError(t *testing.T) {
	m := encode(t, outcome(events.Accepted))
	replace(`{"task_id"`, `{"later":{"a":[1]},"task_id"`)(&m)
	m.Headers = append(m.Headers, header("ce_later", "x"))
	if _, err := events.DecodeOutcome(m.Value, m.Headers); err != nil {
		t.Error(err)
	}
}

func set(key, value string) func(*events.Message) {
	return func(m *events.Message) {
		for i := range m.Headers {
			if m.Headers[i].Key == key {
				m.Headers[i].Value = []byte(value)
			}
		}
	}
}
