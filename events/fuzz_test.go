package events_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"remux-retrier/events"
)

// FuzzReadFailure checks the reader on any bytes. encoding/json decides what is JSON and,
// for shape 1, what it says.
func FuzzReadFailure(f *testing.F) {
	for _, test := range accepted {
		if len(test.Value) < 5000 { // the fuzzer is slow on large ones
			f.Add([]byte(test.Value))
		}
	}
	for _, test := range refused {
		if len(test.Value) < 5000 {
			f.Add([]byte(test.Value))
		}
	}
	f.Fuzz(func(t *testing.T, value []byte) {
		got, err := events.ReadFailure(value, nil)
		var u *events.Unreadable
		switch {
		case err == nil:
			checkAccepted(t, value, got)
		case errors.Is(err, events.ErrNotAFailure):
			if !utf8.Valid(value) || !json.Valid(value) {
				t.Errorf("not JSON, but ignored: %v", err)
			}
		case !errors.As(err, &u):
			t.Errorf("an error of another kind: %v", err)
		case u.Message == "" || !utf8.ValidString(u.Message):
			t.Errorf("message %q", u.Message)
		case u.Reason == events.TooDeep, len(value) == 0:
		case !json.Valid(value):
			if u.Reason != events.NotJSON && u.Reason != events.NotUTF8 {
				t.Errorf("encoding/json says that it is not JSON, but: %v", u)
			}
		case utf8.Valid(value):
			checkNotPlain(t, value, u)
		}
	})
}

func checkAccepted(t *testing.T, value []byte, got events.Failure) {
	t.Helper()
	if !utf8.Valid(value) || !json.Valid(value) {
		t.Fatalf("accepted, but not JSON in UTF-8")
	}
	if n := len(got.TaskID); n == 0 || n > 128 || !utf8.ValidString(got.TaskID) {
		t.Errorf("task id of %d bytes: %q", n, got.TaskID)
	}
	for _, r := range got.TaskID {
		if unicode.IsControl(r) || unicode.IsSpace(r) {
			t.Errorf("task id with %U", r)
		}
	}
	for _, text := range []string{got.ID, got.ErrorCode, got.Description} {
		if len(text) > 1024 || !utf8.ValidString(text) {
			t.Errorf("text of %d bytes: %q", len(text), text)
		}
	}
	if len(got.UserData) > events.MaxUserData || !utf8.ValidString(got.UserData) {
		t.Errorf("user data of %d bytes: %q", len(got.UserData), got.UserData)
	}
	if raw, plain := plainTaskID(t, value); plain {
		var text string
		if json.Unmarshal(raw, &text) != nil {
			text = string(raw)
		}
		if got.TaskID != text {
			t.Errorf("task id %q, encoding/json reads %q", got.TaskID, text)
		}
	}
}

// checkNotPlain: a text that encoding/json reads as shape 1 with a valid id is rejected
// only for a repeated field, which encoding/json does not notice, or half a surrogate pair,
// which it replaces.
func checkNotPlain(t *testing.T, value []byte, u *events.Unreadable) {
	t.Helper()
	raw, plain := plainTaskID(t, value)
	var id string
	if !plain || json.Unmarshal(raw, &id) != nil || len(id) == 0 || len(id) > 128 {
		return
	}
	for _, r := range id {
		if unicode.IsControl(r) || unicode.IsSpace(r) || r == utf8.RuneError {
			return
		}
	}
	if u.Reason != events.TwoTaskIDs && u.Reason != events.Ambiguous {
		t.Errorf("encoding/json reads the task id %q, but: %v", id, u)
	}
}

// plainTaskID reads shape 1 naively.
func plainTaskID(t *testing.T, value []byte) (id json.RawMessage, plain bool) {
	t.Helper()
	var fields map[string]json.RawMessage
	if json.Unmarshal(value, &fields) != nil {
		return nil, false
	}
	present := func(name string) bool { return fields[name] != nil && string(fields[name]) != "null" }
	var kind string
	if json.Unmarshal(fields["type"], &kind) != nil {
		kind = ""
	}
	kind = strings.ToLower(kind)
	smn := kind == "notification" || kind == "subscriptionconfirmation" || kind == "unsubscribeconfirmation"
	if present("specversion") || present("remux_info") || smn && present("message") {
		return nil, false
	}
	return fields["task_id"], present("task_id")
}

// FuzzOutcome: what is written is read back.
func FuzzOutcome(f *testing.F) {
	f.Add("538526", byte(0), "remux.failed", int32(3), int64(1042), int64(1795420800000), "e-1", "MPC.10105", "please retry", 403, "r-1", int64(1043), 1)
	f.Add("ü<&>", byte(9), "t", int32(0), int64(0), int64(-1), "", "", "\x00\u2028", 0, "", int64(0), 0)
	f.Add("1", byte(3), "a:b", int32(1), int64(1), int64(1)<<62, "\xff", "\xff", "\xff", -1, "\xff", int64(-1), -1)
	f.Fuzz(func(t *testing.T, id string, reason byte, topic string, partition int32, offset, millis int64, eventID, code, text string, status int, request string, end int64, retries int) {
		reasons := events.Reasons()
		want := events.Outcome{
			Reason:    reasons[int(reason)%len(reasons)],
			Attempts:  int(reason),
			Retries:   &retries,
			Source:    events.Source{Topic: topic, Partition: int(partition), Offset: offset, Time: time.UnixMilli(millis).UTC()},
			Failure:   events.Failure{TaskID: id, ID: eventID, ErrorCode: code, Description: text},
			Error:     &events.APIError{Status: status, Message: text, RequestID: request},
			Covers:    []events.Cover{{Partition: int(partition), End: end}},
			DecidedAt: time.UnixMilli(1795420801234).UTC(),
			Origin:    events.OriginOf(topic),
		}
		m, err := want.Encode()
		if err != nil {
			return
		}
		if !json.Valid(m.Value) || string(m.Key) != id {
			t.Fatalf("key %q, value %s", m.Key, m.Value)
		}
		got, err := events.DecodeOutcome(m.Value, m.Headers)
		if err != nil {
			t.Fatalf("written, but not read: %v", err)
		}
		again, err := got.Encode()
		if err != nil || !reflect.DeepEqual(m, again) {
			t.Errorf("%v\nfirst  %s\nsecond %s", err, m, again)
		}
		if got.Source != want.Source || got.Failure.TaskID != id || *got.Retries != retries || got.Covers[0] != want.Covers[0] {
			t.Errorf("got  %+v\nwant %+v", got, want)
		}
	})
}

// FuzzDecodeOutcome: whatever is in the value, the result is a bounded outcome that can be
// written, about the event that the headers name.
func FuzzDecodeOutcome(f *testing.F) {
	for _, reason := range events.Reasons() {
		f.Add(encode(f, outcome(reason)).Value)
	}
	f.Add([]byte(`{"task_id":"538526","covers":[{"partition":1e3}]}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		m := encode(t, outcome(events.Accepted))
		got, err := events.DecodeOutcome(value, m.Headers)
		if err != nil {
			return
		}
		if !json.Valid(value) || !utf8.Valid(value) {
			t.Errorf("read, but not JSON in UTF-8: %q", value)
		}
		if len(got.Covers) > events.MaxCovers || got.Source != outcome(events.Accepted).Source || got.Failure.TaskID != "538526" {
			t.Errorf("%+v", got)
		}
		again := encode(t, got)
		if len(again.Value) > 64<<10 {
			t.Errorf("%d bytes", len(again.Value))
		}
		if same, err := events.DecodeOutcome(again.Value, again.Headers); err != nil || !reflect.DeepEqual(same.Covers, got.Covers) {
			t.Errorf("%+v, then %+v, %v", got, same, err)
		}
	})
}
