package eventstest

import (
	"strings"

	"remux-retrier/events"
)

// Unreadable is a record that becomes a dead letter, and the reason.
type Unreadable struct {
	Name   string
	Value  string
	Reason events.Defect
	// BeyondSchema marks what JSON Schema cannot express: it checks parsed JSON, in which
	// repetition, spelling and bytes are lost.
	BeyondSchema bool
}

// Subscription is SMN's request to confirm a subscription.
const Subscription = `{"type":"SubscriptionConfirmation","topic_urn":"u","message_id":"m","message":"You are invited to subscribe to a topic.","subscribe_url":"https://smn.example.com/confirm"}`

// UnreadableRecords become dead letters.
var UnreadableRecords = []Unreadable{
	{Name: "a tombstone", Reason: events.Tombstone, BeyondSchema: true},
	{Name: "nothing", Reason: events.NotJSON, BeyondSchema: true},
	{Name: "white space", Value: " \n", Reason: events.NotJSON, BeyondSchema: true},
	{Name: "text", Value: "task 538526 failed", Reason: events.NotJSON, BeyondSchema: true},
	{Name: "a byte order mark", Value: "\xEF\xBB\xBF{\"task_id\":\"1\"}", Reason: events.NotJSON, BeyondSchema: true},
	{Name: "UTF-16", Value: "\xFF\xFE{\x00", Reason: events.NotUTF8, BeyondSchema: true},
	{Name: "Latin-1 in an unknown field", Value: "{\"task_id\":\"1\",\"x\":\"\xE4\"}", Reason: events.NotUTF8, BeyondSchema: true},
	{Name: "Latin-1 in the id", Value: "{\"task_id\":\"\xE4\"}", Reason: events.NotUTF8, BeyondSchema: true},
	{Name: "a surrogate encoded like UTF-8", Value: "{\"task_id\":\"\xED\xA0\x80\"}", Reason: events.NotUTF8, BeyondSchema: true},
	{Name: "an overlong encoding", Value: "{\"task_id\":\"\xC0\xAF\"}", Reason: events.NotUTF8, BeyondSchema: true},
	{Name: "a second value", Value: `{"task_id":"1"}{"task_id":"2"}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "a second line", Value: "{\"task_id\":\"1\"}\n{\"task_id\":\"2\"}\n", Reason: events.NotJSON, BeyondSchema: true},
	{Name: "a null byte at the end", Value: "{\"task_id\":\"1\"}\x00", Reason: events.NotJSON, BeyondSchema: true},
	{Name: "cut short", Value: `{"task_id":"1"`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "a string cut short", Value: `{"task_id":"1`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "an escape cut short", Value: `{"task_id":"\u00`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "an unknown escape", Value: `{"task_id":"\x31"}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "a comma too many", Value: `{"task_id":"1",}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "a comma too many in an array", Value: `{"task_id":"1","x":[1,]}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "a comma too few", Value: `{"task_id":"1" "x":1}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "brackets that do not match", Value: `{"task_id":"1","x":[1}}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "brackets that do not match, inside", Value: `{"task_id":"1","x":{"a":[{"b":1]}]}}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "a name without quotes", Value: `{task_id:"1"}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "single quotes", Value: `{'task_id':'1'}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "a misspelt word", Value: `{"task_id":"1","x":nul}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "NaN", Value: `{"task_id":"1","x":NaN}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "a fraction without digits", Value: `{"task_id":"1","x":1.}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "an exponent without digits", Value: `{"task_id":"1","x":1e+}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "a comment", Value: `{"task_id":"1"/* first */}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "a line break inside a string", Value: "{\"task_id\":\"1\",\"x\":\"a\nb\"}", Reason: events.NotJSON, BeyondSchema: true},
	{Name: "a null byte in the id", Value: "{\"task_id\":\"1\x00\"}", Reason: events.NotJSON, BeyondSchema: true},
	{Name: "leading zeros", Value: `{"task_id":007}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "a plus sign", Value: `{"task_id":+7}`, Reason: events.NotJSON, BeyondSchema: true},
	{Name: "an unfinished SMN message", Value: SMN(`{"task_id":`), Reason: events.NotJSON},
	{Name: "an SMN message in words", Value: SMN("Dear user"), Reason: events.NotJSON},
	{Name: "an SMN envelope that asks for confirmation", Value: Subscription, Reason: events.UnknownShape},
	{Name: "SMN's UnsubscribeConfirmation in other letters, its message JSON", Value: `{"type":"unsubscribeCONFIRMATION","message_id":"m","message":"{\"task_id\":\"1\"}"}`, Reason: events.UnknownShape},
	{Name: "an empty SMN message", Value: SMN(""), Reason: events.NotJSON},
	{Name: "base64 of no JSON", Value: `{"specversion":"1.0","data_base64":"` + inBase64("x") + `"}`, Reason: events.NotJSON},
	{Name: "base64 of Latin-1", Value: `{"specversion":"1.0","data_base64":"` + inBase64("{\"task_id\":\"\xE4\"}") + `"}`, Reason: events.NotUTF8, BeyondSchema: true},

	{Name: "1,001 levels", Value: `{"task_id":"1","x":` + Nested(1001) + `}`, Reason: events.TooDeep, BeyondSchema: true},
	{Name: "1,001 arrays, each in the next", Value: `{"task_id":"1","x":` + strings.Repeat("[", 1001) + strings.Repeat("]", 1001) + `}`, Reason: events.TooDeep, BeyondSchema: true},
	{Name: "a million brackets", Value: strings.Repeat("[", 1_000_000), Reason: events.TooDeep, BeyondSchema: true},
	{Name: "a million objects", Value: strings.Repeat(`{"a":`, 1_000_000), Reason: events.TooDeep, BeyondSchema: true},
	{Name: "1,001 levels inside an SMN message", Value: SMN(`{"task_id":"1","x":` + Nested(1001) + `}`), Reason: events.TooDeep, BeyondSchema: true},

	{Name: "null", Value: `null`, Reason: events.UnknownShape},
	{Name: "a bare id", Value: `538526`, Reason: events.UnknownShape},
	{Name: "an array", Value: `[{"task_id":"1"}]`, Reason: events.UnknownShape},
	{Name: "a notification without a status", Value: `{"remux_info":{"task_id":"1"}}`, Reason: events.UnknownShape},
	{Name: "a notification with a numeric status", Value: `{"remux_info":{"task_id":"1","status":1}}`, Reason: events.UnknownShape},
	{Name: "a notification that is no object", Value: `{"remux_info":"FAILED"}`, Reason: events.UnknownShape},
	{Name: "an SMN message that is no string", Value: `{"type":"Notification","message_id":"m","message":{"task_id":"1"}}`, Reason: events.UnknownShape},
	{Name: "an SMN message that is no object", Value: SMN(`["1"]`), Reason: events.UnknownShape},
	{Name: "a CloudEvent of another version", Value: `{"specversion":"0.3","data":{"task_id":"1"}}`, Reason: events.UnknownShape},
	{Name: "a CloudEvent of a numeric version", Value: `{"specversion":1.0,"data":{"task_id":"1"}}`, Reason: events.UnknownShape},
	{Name: "a CloudEvent with a string for data", Value: CloudEvent(Quote(`{"task_id":"1"}`)), Reason: events.UnknownShape},
	{Name: "a CloudEvent with bad base64", Value: `{"specversion":"1.0","data_base64":"%"}`, Reason: events.UnknownShape},
	{Name: "a CloudEvent with a number for base64", Value: `{"specversion":"1.0","data_base64":1}`, Reason: events.UnknownShape},

	{Name: "two specversions", Value: `{"specversion":"1.0","specversion":"1.0","data":{"task_id":"1"}}`, Reason: events.Ambiguous, BeyondSchema: true},
	{Name: "two data", Value: `{"specversion":"1.0","data":{"task_id":"1"},"data":{"task_id":"2"}}`, Reason: events.Ambiguous, BeyondSchema: true},
	{Name: "data in two forms", Value: `{"specversion":"1.0","data":{"task_id":"1"},"data_base64":"` + inBase64(`{"task_id":"2"}`) + `"}`, Reason: events.Ambiguous},
	{Name: "two data_base64", Value: `{"specversion":"1.0","data_base64":"e30=","data_base64":"e30="}`, Reason: events.Ambiguous, BeyondSchema: true},
	{Name: "two remux_info", Value: `{"remux_info":{"task_id":"1","status":"FAILED"},"remux_info":{"task_id":"2","status":"FAILED"}}`, Reason: events.Ambiguous, BeyondSchema: true},
	{Name: "two remux_info, one null", Value: `{"task_id":"1","remux_info":{"task_id":"1","status":"FAILED"},"remux_info":null}`, Reason: events.Ambiguous, BeyondSchema: true},
	{Name: "two statuses", Value: `{"remux_info":{"task_id":"1","status":"SUCCEED","status":"FAILED"}}`, Reason: events.Ambiguous, BeyondSchema: true},
	{Name: "two SMN messages", Value: `{"type":"Notification","message_id":"m","message":"{\"task_id\":\"1\"}","message":"{\"task_id\":\"2\"}"}`, Reason: events.Ambiguous, BeyondSchema: true},
	{Name: "two SMN types", Value: `{"type":"Notification","type":"x","message_id":"m","message":"{\"task_id\":\"1\"}"}`, Reason: events.Ambiguous, BeyondSchema: true},

	{Name: "no task_id", Value: `{}`, Reason: events.NoTaskID},
	{Name: "a task_id in other letters", Value: `{"TASK_ID":"1","taskId":"1"}`, Reason: events.NoTaskID},
	{Name: "a task_id in other letters beside a producer's own …_info", Value: `{"taskId":"1","asset_info":{"task_id":"2","status":"FAILED"}}`, Reason: events.NoTaskID},
	{Name: "a null task_id", Value: `{"task_id":null}`, Reason: events.NoTaskID},
	{Name: "a notification without a task_id", Value: `{"task_id":"1","remux_info":{"status":"FAILED"}}`, Reason: events.NoTaskID},
	{Name: "a CloudEvent without data", Value: `{"specversion":"1.0","task_id":"1"}`, Reason: events.NoTaskID},
	{Name: "a CloudEvent inside a CloudEvent", Value: CloudEvent(CloudEvent(`{"task_id":"1"}`)), Reason: events.NoTaskID},
	{Name: "an SMN envelope inside an SMN envelope", Value: SMN(SMN(`{"task_id":"1"}`)), Reason: events.NoTaskID},
	{Name: "a CloudEvent inside an SMN envelope", Value: SMN(CloudEvent(`{"task_id":"1"}`)), Reason: events.NoTaskID},

	{Name: "two task_ids", Value: `{"task_id":"1","task_id":"2"}`, Reason: events.TwoTaskIDs, BeyondSchema: true},
	{Name: "the same task_id twice", Value: `{"task_id":"1","task_id":"1"}`, Reason: events.TwoTaskIDs, BeyondSchema: true},
	{Name: "two task_ids, one null", Value: `{"task_id":"1","task_id":null}`, Reason: events.TwoTaskIDs, BeyondSchema: true},
	{Name: "a second task_id behind an escape", Value: `{"task_id":"1","task\u005Fid":"2"}`, Reason: events.TwoTaskIDs, BeyondSchema: true},
	{Name: "two task_ids in a notification", Value: `{"remux_info":{"task_id":"1","task_id":"2","status":"FAILED"}}`, Reason: events.TwoTaskIDs, BeyondSchema: true},
	{Name: "two task_ids in an SMN message", Value: SMN(`{"task_id":"1","task_id":"2"}`), Reason: events.TwoTaskIDs, BeyondSchema: true},

	{Name: "an empty id", Value: `{"task_id":""}`, Reason: events.InvalidTaskID},
	{Name: "an id of 129 bytes", Value: `{"task_id":"` + strings.Repeat("a", 129) + `"}`, Reason: events.InvalidTaskID},
	{Name: "an id of 129 bytes in 128 characters", Value: `{"task_id":"` + strings.Repeat("a", 127) + `ä"}`, Reason: events.InvalidTaskID, BeyondSchema: true},
	{Name: "an integer of 129 digits", Value: `{"task_id":` + strings.Repeat("9", 129) + `}`, Reason: events.InvalidTaskID, BeyondSchema: true},
	{Name: "an exponent", Value: `{"task_id":5.385260e5}`, Reason: events.InvalidTaskID, BeyondSchema: true},
	{Name: "an exponent without a point", Value: `{"task_id":5e5}`, Reason: events.InvalidTaskID, BeyondSchema: true},
	{Name: "a fraction", Value: `{"task_id":1.5}`, Reason: events.InvalidTaskID},
	{Name: "a fraction that is zero", Value: `{"task_id":1.0}`, Reason: events.InvalidTaskID, BeyondSchema: true},
	{Name: "a sign", Value: `{"task_id":-1}`, Reason: events.InvalidTaskID},
	{Name: "minus nought", Value: `{"task_id":-0}`, Reason: events.InvalidTaskID, BeyondSchema: true},
	{Name: "true", Value: `{"task_id":true}`, Reason: events.InvalidTaskID},
	{Name: "an id in an array", Value: `{"task_id":["1"]}`, Reason: events.InvalidTaskID},
	{Name: "an id in an object", Value: `{"task_id":{"task_id":"1"}}`, Reason: events.InvalidTaskID},
	{Name: "U+0000 in the id", Value: `{"task_id":"1\u0000"}`, Reason: events.InvalidTaskID},
	{Name: "a line break in the id", Value: `{"task_id":"1\r\nX-Auth-Token: 2"}`, Reason: events.InvalidTaskID},
	{Name: "DEL in the id", Value: "{\"task_id\":\"1\x7f\"}", Reason: events.InvalidTaskID},
	{Name: "a C1 control character in the id", Value: `{"task_id":"1\u009b"}`, Reason: events.InvalidTaskID},
	{Name: "a blank in the id", Value: `{"task_id":"1 "}`, Reason: events.InvalidTaskID},
	{Name: "a no-break space in the id", Value: "{\"task_id\":\"1\u00a0\"}", Reason: events.InvalidTaskID},
	{Name: "an ideographic space in the id", Value: "{\"task_id\":\"\u3000\"}", Reason: events.InvalidTaskID},
	{Name: "half a surrogate pair in the id", Value: `{"task_id":"1\ud800"}`, Reason: events.InvalidTaskID, BeyondSchema: true},
	{Name: "two surrogates in the wrong order in the id", Value: `{"task_id":"\udc00\ud800"}`, Reason: events.InvalidTaskID, BeyondSchema: true},
	{Name: "a high surrogate before a plain escape", Value: `{"task_id":"\ud800\u0041"}`, Reason: events.InvalidTaskID, BeyondSchema: true},
	{Name: "half a surrogate pair in the id, in an SMN message", Value: `{"type":"Notification","message_id":"m","message":"{\"task_id\":\"1\ud800\"}"}`, Reason: events.InvalidTaskID, BeyondSchema: true},
}
