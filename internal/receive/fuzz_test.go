package receive

import (
	"encoding/json"
	"testing"

	"remux-retrier/events"
	"remux-retrier/internal/smnsim"
)

// FuzzWhatIsSignedIsWhatIsRead: whatever else a body holds, the service reads the
// task of the message that was verified, or nothing.
func FuzzWhatIsSignedIsWhatIsRead(f *testing.F) {
	good := smnsim.Message{"type": "Notification", "message_id": "m", "topic_urn": "urn", "timestamp": "t", "message": smnsim.TaskEnded("1", "FAILED", "MPC.10105", "ü")}
	f.Add(good.Body())
	f.Add(good.With(smnsim.Message{"message": smnsim.TaskEnded("1", "SUCCEED", "", "")}).Body())
	f.Add(good.With(smnsim.Message{"specversion": "1.0", "data": `{"task_id":"2"}`}).Body())
	f.Add([]byte(`{"type":"Notification","message_id":"m","topic_urn":"u","timestamp":"t","message":"{\"task_id\":\"1\"}","Message":"{\"task_id\":\"2\"}","task_id":"3","remux_info":{"task_id":"4","status":"FAILED"}}`))
	f.Add([]byte(`{"type":"Notification","message_id":"m","topic_urn":"u","timestamp":"t","message":"{\"task_id\":\"\\ud800\"}"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := parseEnvelope(body)
		if err != nil || e.Type != typeNotification {
			return
		}
		got, err := events.ReadNotification(body)
		if err != nil {
			return
		}
		alone, err := json.Marshal(map[string]string{"type": "Notification", "message_id": "m", "message": e.Message})
		if err != nil {
			t.Fatal(err)
		}
		if want, err := events.ReadNotification(alone); err != nil || got != want {
			t.Errorf("the service reads %+v, and what was verified says %+v, %v: %q", got, want, err, body)
		}
	})
}
