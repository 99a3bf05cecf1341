package events_test

import (
	"errors"
	"strings"
	"testing"

	"remux-retrier/events"
)

func TestAcceptedShapes(t *testing.T) {
	for _, test := range accepted {
		t.Run(test.Name, func(t *testing.T) {
			got, err := events.ReadFailure([]byte(test.Value), test.Headers)
			if err != nil {
				t.Fatal(err)
			}
			if got != test.Want {
				t.Errorf("got  %+v\nwant %+v", got, test.Want)
			}
		})
	}
}

func TestBadInputIsRefusedWithAReason(t *testing.T) {
	for _, test := range refused {
		t.Run(test.Name, func(t *testing.T) {
			value := []byte(test.Value)
			if test.Reason == events.Tombstone {
				value = nil
			}
			failure, err := events.ReadFailure(value, nil)
			var u *events.Unreadable
			if !errors.As(err, &u) {
				t.Fatalf("got %+v, %v; want %s", failure, err, test.Reason)
			}
			if u.Reason != test.Reason {
				t.Errorf("got %q, want %q", err, test.Reason)
			}
			if failure != (events.Failure{}) {
				t.Errorf("half a failure event came with the error: %+v", failure)
			}
			if u.Message == "" || len(u.Message) > 700 || strings.ContainsAny(u.Message, "\n\x00") {
				t.Errorf("message not fit for a header: %q", u.Message)
			}
		})
	}
}

func TestOtherStatusesAreNoFailureEvents(t *testing.T) {
	for _, status := range []string{"SUCCEED", "SUCCEEDED", "PROCESSING", "CANCELED", "failed", "", "FAILED "} {
		notification := `{"event_type":"RemuxComplete","remux_info":{"task_id":"538526","status":"` + status + `"}}`
		for shape, value := range map[string]string{
			"bare": notification, "cloud event": cloudEvent(notification), "SMN": smn(notification),
		} {
			failure, err := events.ReadFailure([]byte(value), nil)
			if !errors.Is(err, events.ErrNotAFailure) || failure != (events.Failure{}) {
				t.Errorf("status %q, %s: %+v, %v", status, shape, failure, err)
			}
			if !strings.Contains(err.Error(), `"`+status+`"`) {
				t.Errorf("the error does not name the status %q: %v", status, err)
			}
		}
	}
	escaped := `{"remux_info":{"task_id":"1","status":"FAI\u004cED"}}`
	if _, err := events.ReadFailure([]byte(escaped), nil); err != nil {
		t.Errorf("FAILED, written with an escape: %v", err)
	}
}

// SMN delivers all of MPC's notifications to one subscriber. None may cost a call or fill
// the dead-letter topic.
func TestMPCsOtherNotificationsAreNoFailureEvents(t *testing.T) {
	for _, test := range []struct{ value, names string }{
		{`{"event_type":"TranscodeStart","transcode_info":{"task_id":"1","status":"PROCESSING"}}`, "TranscodeStart"},
		{`{"event_type":"TranscodeComplete","transcode_info":{"task_id":"1","status":"FAILED","error_code":"MPC.10105"}}`, "TranscodeComplete"},
		{`{"event_type":"ThumbnailComplete","thumbnail_info":{"task_id":"1"}}`, "ThumbnailComplete"},
		{`{"event_type":"AnimatedGraphicsComplete"}`, "AnimatedGraphicsComplete"},
		{`{"event_type":"ParseComplete","task_id":null,"parse_info":{"task_id":"1"}}`, "ParseComplete"},
		{`{"event_type":"EditingComplete","remux_info":null,"editing_info":{"task_id":"1"}}`, "EditingComplete"},
		{`{"event_type":"LaterComplete","later\u005finfo":{"task_id":"1"}}`, "later_info"},
		{`{"transcode_info":{"task_id":"1","status":"SUCCEEDED"}}`, "transcode_info"},
	} {
		for shape, value := range map[string]string{"bare": test.value, "cloud event": cloudEvent(test.value), "SMN": smn(test.value)} {
			failure, err := events.ReadFailure([]byte(value), nil)
			if !errors.Is(err, events.ErrNotAFailure) || failure != (events.Failure{}) || !strings.Contains(err.Error(), test.names) {
				t.Errorf("%s, %s: %+v, %v", shape, test.value, failure, err)
			}
		}
	}
	for _, value := range []string{`{"event_type":"RemuxComplete"}`, `{"event_type":"LaterComplete","later_info":"1"}`, `{"event_type":7}`} {
		if _, err := events.ReadFailure([]byte(value), nil); errors.Is(err, events.ErrNotAFailure) {
			t.Errorf("%s is ignored: %v", value, err)
		}
	}
}

func TestLongTextsAreCutAtACharacter(t *testing.T) {
	long := strings.Repeat("ä", 800) // 1,600 bytes; byte 1,023 begins a character
	value := `{"specversion":"1.0","id":"x` + long + `","data":{"task_id":"1","error_code":"x` + long + `","description":"\u0078` + long + `"}}`
	got, err := events.ReadFailure([]byte(value), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := "x" + strings.Repeat("ä", 511)
	if got.ID != want || got.ErrorCode != want || got.Description != want {
		t.Errorf("cut to %d, %d and %d bytes, want %d each", len(got.ID), len(got.ErrorCode), len(got.Description), len(want))
	}
	got, err = events.ReadFailure([]byte(`{"task_id":"1","error_code":1`+strings.Repeat("0", 5000)+`}`), nil)
	if err != nil || got.ErrorCode != "1"+strings.Repeat("0", 1023) {
		t.Errorf("a long number: %d digits, %v", len(got.ErrorCode), err)
	}
	got, err = events.ReadFailure([]byte(`{"task_id":"1"}`), binary("ce_id", "x"+long))
	if err != nil || got.ID != want {
		t.Errorf("ce_id: %d bytes, %v", len(got.ID), err)
	}
}

func TestAHeaderThatIsNotUTF8DoesNotSpoilTheEvent(t *testing.T) {
	got, err := events.ReadFailure([]byte(`{"task_id":"1"}`), binary("ce_id", "a\xff", "traceparent", "\xff"))
	if err != nil || got.ID != "a\uFFFD" || got.Traceparent != "" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestTheLastOfTwoHeadersCounts(t *testing.T) {
	got, err := events.ReadFailure([]byte(`{"task_id":"1"}`), binary("ce_id", "a", "ce_id", "b"))
	if err != nil || got.ID != "b" {
		t.Errorf("%+v, %v", got, err)
	}
}
