package events

import (
	"errors"
	"fmt"
	"testing"
)

func TestANotificationIsReadAsTheServiceWillReadIt(t *testing.T) {
	smn := func(message string) string {
		return fmt.Sprintf(`{"type":"Notification","message_id":"m","topic_urn":"urn:smn:r:p:t","message":%q}`, message)
	}
	for value, want := range map[string]Notification{
		smn(`{"event_type":"RemuxComplete","remux_info":{"task_id":"1","status":"FAILED"}}`):                   {"1", true},
		smn(`{"event_type":"RemuxComplete","remux_info":{"task_id":18446744073709551616,"status":"SUCCEED"}}`): {"18446744073709551616", false},
		smn(`{"task_id":"2"}`): {"2", true},
		smn(`{"event_type":"TranscodeComplete","transcode_info":{"task_id":"1","status":"FAILED"}}`): {},
		smn(`{"event_type":"RemuxComplete","remux_info":{"task_id":"a b","status":"SUCCEED"}}`):      {},
		smn(`{"event_type":"RemuxComplete","remux_info":{"status":"SUCCEED"}}`):                      {},
	} {
		got, err := ReadNotification([]byte(value))
		if err != nil || got != want {
			t.Errorf("%s: %+v, %v", value, got, err)
		}
		if f, err := ReadFailure([]byte(value), nil); want.Failed != (err == nil) || f.TaskID != "" && f.TaskID != want.TaskID {
			t.Errorf("%s: the service reads %+v, %v", value, f, err)
		}
	}
	for _, value := range []string{
		`{"task_id":"1"}`,
		`{"event_type":"RemuxComplete","remux_info":{"task_id":"1","status":"FAILED"}}`,
		`{"specversion":"1.0","data":{"task_id":"1"},"type":"Notification","message_id":"m","message":"{}"}`,
		`{"type":"SubscriptionConfirmation","message_id":"m","message":"x"}`,
		`{"type":"Something","message_id":"m","message":"{}"}`,
	} {
		if _, err := ReadNotification([]byte(value)); !errors.Is(err, ErrNotSMN) {
			t.Errorf("%s: %v", value, err)
		}
	}
	for _, value := range []string{
		smn("no JSON"), smn(`{"task_id":"a b"}`), smn(`[]`), "", "no JSON", "\xff", `{"type":"Notification","type":"Notification","message_id":"m","message":"{}"}`,
	} {
		var u *Unreadable
		if _, err := ReadNotification([]byte(value)); !errors.As(err, &u) {
			t.Errorf("%s: %v", value, err)
		}
	}
}
