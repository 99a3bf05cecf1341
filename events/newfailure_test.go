package events_test

import (
	"errors"
	"strings"
	"testing"

	"remux-retrier/events"
)

func TestWhatIsAskedForIsReadBack(t *testing.T) {
	for _, id := range []string{"538526", `"quoted"\`, "<script>", "../../etc/passwd", "ü", strings.Repeat("é", 64)} {
		for _, force := range []bool{false, true} {
			m, err := events.NewFailure(id, "requested by hand", force)
			if err != nil {
				t.Fatal(err)
			}
			f, err := events.ReadFailure(m.Value, m.Headers)
			if err != nil || f.TaskID != id || f.Description != "requested by hand" || f.Forced != force || string(m.Key) != id {
				t.Errorf("%q: %+v, %v", id, f, err)
			}
		}
	}
}

func TestHostileIDsAreRefusedInAFewWords(t *testing.T) {
	for _, id := range []string{"", "a b", "a\x00", "a\n", "\x1b[2J", "\xff", strings.Repeat("9", 129), strings.Repeat("9", 10<<20)} {
		_, err := events.NewFailure(id, "", false)
		var u *events.Unreadable
		if !errors.As(err, &u) || u.Reason != events.InvalidTaskID || len(err.Error()) > 300 || strings.ContainsAny(err.Error(), "\x1b\x00\n") {
			t.Errorf("%.20q: %.300v", id, err)
		}
	}
}

func TestForceIsAHeaderAndNothingElse(t *testing.T) {
	for name, c := range map[string]struct {
		value   string
		headers []events.Header
		forced  bool
	}{
		"header":             {`{"task_id":"1"}`, []events.Header{{Key: "remux-retrier-force", Value: []byte("true")}}, true},
		"none":               {`{"task_id":"1"}`, nil, false},
		"in the value":       {`{"task_id":"1","remux-retrier-force":true,"force":"true"}`, nil, false},
		"not exactly so":     {`{"task_id":"1"}`, []events.Header{{Key: "remux-retrier-force", Value: []byte("True")}}, false},
		"empty":              {`{"task_id":"1"}`, []events.Header{{Key: "remux-retrier-force"}}, false},
		"another name":       {`{"task_id":"1"}`, []events.Header{{Key: "Remux-Retrier-Force", Value: []byte("true")}}, false},
		"twice, the last no": {`{"task_id":"1"}`, []events.Header{{Key: "remux-retrier-force", Value: []byte("true")}, {Key: "remux-retrier-force", Value: []byte("no")}}, false},
		"of a CloudEvent":    {`{"specversion":"1.0","id":"1","data":{"task_id":"1"}}`, []events.Header{{Key: "remux-retrier-force", Value: []byte("true")}}, true},
	} {
		if f, err := events.ReadFailure([]byte(c.value), c.headers); err != nil || f.Forced != c.forced {
			t.Errorf("%s: %+v, %v", name, f, err)
		}
	}
}
