package events_test

import (
	"fmt"
	"strings"
	"testing"

	"remux-retrier/events"
)

func TestOnlyAValidTraceparentIsCarriedOn(t *testing.T) {
	for value, valid := range map[string]bool{
		parent: true,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00":       true,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-ff":       true,
		"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01":       true,
		"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later": true,
		"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-":      true,

		"": false,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later":                         false,
		"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01.later":                         false,
		"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-lat\ner":                       false,
		"cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-lat\xffer":                     false,
		"ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01":                               false,
		"00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01":                               false,
		"00-00000000000000000000000000000000-b7ad6b7169203331-01":                               false,
		"00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01":                               false,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0":                                false,
		"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g":                               false,
		"00_0af7651916cd43dd8448eb211c80319c_b7ad6b7169203331_01":                               false,
		" 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01":                              false,
		"01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-" + strings.Repeat("a", 1<<20): false,
	} {
		want := ""
		if valid {
			want = value
		}
		got, err := events.ReadFailure([]byte(`{"task_id":"1"}`), []events.Header{header("traceparent", value)})
		if err != nil || got.Traceparent != want {
			t.Errorf("%.80q: carried on as %.80q, %v", value, got.Traceparent, err)
		}
		structured := fmt.Appendf(nil, `{"specversion":"1.0","traceparent":%q,"data":{"task_id":"1"}}`, strings.ToValidUTF8(value, " "))
		got, err = events.ReadFailure(structured, nil)
		if err != nil || got.Traceparent != want {
			t.Errorf("%.80q, in the value: carried on as %.80q, %v", value, got.Traceparent, err)
		}
		o := outcome(events.Accepted)
		o.Failure.Traceparent = value
		if carried, _ := headerOf(encode(t, o).Headers, "traceparent"); carried != want {
			t.Errorf("%.80q: written as %.80q", value, carried)
		}
	}
}

// An invalid header must not hide a valid one. Kafka's own header takes precedence over
// CloudEvents' extension, which intermediaries do not update.
func TestTheTraceClosestToTheRecordCounts(t *testing.T) {
	other := strings.Replace(parent, "0af7", "1af7", 1)
	third := strings.Replace(parent, "0af7", "2af7", 1)
	event := `{"specversion":"1.0","traceparent":"` + third + `","data":{"task_id":"1"}}`
	for _, test := range []struct {
		headers []events.Header
		want    string
	}{
		{nil, third},
		{[]events.Header{header("ce_traceparent", other)}, other},
		{[]events.Header{header("traceparent", parent), header("ce_traceparent", other)}, parent},
		{[]events.Header{header("traceparent", "bad"), header("ce_traceparent", other)}, other},
		{[]events.Header{header("traceparent", "bad"), header("ce_traceparent", "bad")}, third},
	} {
		got, err := events.ReadFailure([]byte(event), test.headers)
		if err != nil || got.Traceparent != test.want {
			t.Errorf("%s: %q, %v; want %q", test.headers, got.Traceparent, err, test.want)
		}
	}
}

func TestARecordsTraceIsKnownWithoutItsValue(t *testing.T) {
	headers := []events.Header{{Key: "ce_traceparent", Value: []byte("bad")}, {Key: "traceparent", Value: []byte(parent)}}
	if got := events.Traceparent(headers); got != parent {
		t.Errorf("got %q", got)
	}
	if got := events.TraceID(parent); got != "0af7651916cd43dd8448eb211c80319c" {
		t.Errorf("got %q", got)
	}
	if events.Traceparent(headers[:1]) != "" || events.TraceID("") != "" {
		t.Error("an invalid trace is taken")
	}
}
