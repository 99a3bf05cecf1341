package events_test

import (
	"errors"
	"strings"
	"testing"

	"remux-retrier/events"
)

// The message of the dead letter must say what to change.
func TestADeadLetterNamesTheFormatThatCame(t *testing.T) {
	for name, test := range map[string]struct {
		value  string
		reason events.Defect
		says   []string
	}{
		"Confluent's prefix before JSON": {"\x00\x00\x00\x00\x07" + typical, events.NotJSON, []string{"Confluent", "schema id 7", "behind it JSON", "without a schema registry"}},
		"Confluent's prefix before Avro": {"\x00\x00\x01\x00\x07\x0c538526", events.NotJSON, []string{"Confluent", "schema id 65543", "Avro or Protobuf"}},
		"the same, not UTF-8":            {"\x00\x00\x00\x00\xff\x0c538526", events.NotUTF8, []string{"Confluent", "schema id 255"}},
		"Avro's container":               {"Obj\x01\x04\x14avro.codec", events.NotJSON, []string{"Avro", "write JSON"}},
		"Avro's single object":           {"\xC3\x01\x01\x02\x03\x04\x05\x06\x07\x08\x0c538526", events.NotUTF8, []string{"Avro"}},
		"Protobuf":                       {"\x0a\x06538526\x12\x09MPC.10105", events.NotJSON, []string{"Protobuf", "write JSON"}},
		"Protobuf, not with a newline":   {"\x12\x06538526\x12\x09MPC.10105", events.NotJSON, []string{"Protobuf", "write JSON"}},
		"gzip":                           {"\x1f\x8b\x08\x00\x00", events.NotUTF8, []string{"compressed", "compression.type"}},
		"Java":                           {"\xac\xed\x00\x05t\x00\x06538526", events.NotUTF8, []string{"Java"}},
		"a text template":                {"Dear user,\n\tyour remux task 538526 has failed.", events.NotJSON, []string{"text templates", "msg_type 2"}},
		"a text template in SMN":         {smn("Dear user,\nyour remux task 538526 has failed."), events.NotJSON, []string{"in the message of the SMN envelope", "text templates", "msg_type 2"}},
		"SMN's confirmation":             {subscription, events.UnknownShape, []string{"SubscriptionConfirmation", "subscribe_url", "msg_type 2"}},
		"a batch of CloudEvents":         {"[" + cloudEvent(typical) + "," + cloudEvent(typical) + "]", events.UnknownShape, []string{"batch of CloudEvents", "one event a record"}},
		"an array":                       {"[" + typical + "]", events.UnknownShape, []string{"one event a record"}},
		"JSON encoded twice":             {quote(typical), events.UnknownShape, []string{"encode it once"}},
		"SNS":                            {`{"Type":"Notification","MessageId":"m","TopicArn":"arn:aws:sns:eu-west-1:1:t","Message":` + quote(typical) + `}`, events.NoTaskID, []string{"AWS SNS", "raw message delivery"}},
		"EventBridge":                    {`{"version":"0","id":"1","detail-type":"remux.failed","source":"platform","detail":` + typical + `}`, events.NoTaskID, []string{"EventBridge", "$.detail"}},
		"Connect":                        {`{"schema":{"type":"struct"},"payload":` + typical + `}`, events.NoTaskID, []string{"Kafka Connect", "value.converter.schemas.enable=false"}},
		"Debezium":                       {`{"before":null,"after":` + typical + `,"source":{},"op":"c","ts_ms":1}`, events.NoTaskID, []string{"Debezium", "ExtractNewRecordState"}},
		"Debezium in Connect":            {`{"schema":{},"payload":{"before":null,"after":` + typical + `,"op":"c"}}`, events.NoTaskID, []string{"Debezium"}},
	} {
		_, err := events.ReadFailure([]byte(test.value), nil)
		var u *events.Unreadable
		if !errors.As(err, &u) || u.Reason != test.reason {
			t.Errorf("%s: %v, want %s", name, err, test.reason)
			continue
		}
		for _, says := range test.says {
			if !strings.Contains(u.Message, says) {
				t.Errorf("%s: %q does not say %q", name, u.Message, says)
			}
		}
	}
}

// An envelope's field names in a readable event are just unknown fields.
func TestAnEventIsReadWhateverOtherSystemsNamesItHas(t *testing.T) {
	value := `{"schema":1,"payload":2,"op":"c","after":{},"detail":{},"detail-type":"x","Type":"y","Message":"z","task_id":"1"}`
	if got, err := events.ReadFailure([]byte(value), nil); err != nil || got != task("1") {
		t.Errorf("%+v, %v", got, err)
	}
	// A mistake that no other system explains is not attributed to one.
	for _, value := range []string{`{"taskId":"1"}`, `{"payload":{"op":"x"}}`, `{"detail":"it failed"}`, `{"Message":"m"}`, `{"task_id":null}`} {
		_, err := events.ReadFailure([]byte(value), nil)
		if want := "unreadable failure event (no_task_id): there is no task_id; expected {\"task_id\":\"…\"}, a CloudEvent with such data, or an MPC notification"; err == nil || err.Error() != want {
			t.Errorf("%s: %v", value, err)
		}
	}
	for _, value := range []string{`{"task_id":"1"`, ` [1`, `"a`, `12x`} {
		if _, err := events.ReadFailure([]byte(value), nil); strings.Contains(err.Error(), "this is") {
			t.Errorf("%s: %v", value, err)
		}
	}
}
