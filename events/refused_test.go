package events_test

import (
	"strings"

	"remux-retrier/events"
)

// bad is a record that is refused, and why.
type bad struct {
	name   string
	value  string
	reason events.Defect
	// beyond marks what the JSON Schema cannot say: it judges parsed JSON, where
	// repetition, spelling and bytes are gone.
	beyond bool
}

const subscription = `{"type":"SubscriptionConfirmation","topic_urn":"u","message_id":"m","message":"You are invited to subscribe to a topic.","subscribe_url":"https://smn.example.com/confirm"}`

var refused = []bad{
	{name: "a tombstone", reason: events.Tombstone, beyond: true},
	{name: "nothing", reason: events.NotJSON, beyond: true},
	{name: "white space", value: " \n", reason: events.NotJSON, beyond: true},
	{name: "text", value: "task 538526 failed", reason: events.NotJSON, beyond: true},
	{name: "a byte order mark", value: "\xEF\xBB\xBF{\"task_id\":\"1\"}", reason: events.NotJSON, beyond: true},
	{name: "UTF-16", value: "\xFF\xFE{\x00", reason: events.NotUTF8, beyond: true},
	{name: "Latin-1 in an unknown field", value: "{\"task_id\":\"1\",\"x\":\"\xE4\"}", reason: events.NotUTF8, beyond: true},
	{name: "Latin-1 in the id", value: "{\"task_id\":\"\xE4\"}", reason: events.NotUTF8, beyond: true},
	{name: "a surrogate in UTF-8's clothes", value: "{\"task_id\":\"\xED\xA0\x80\"}", reason: events.NotUTF8, beyond: true},
	{name: "an overlong encoding", value: "{\"task_id\":\"\xC0\xAF\"}", reason: events.NotUTF8, beyond: true},
	{name: "a second value", value: `{"task_id":"1"}{"task_id":"2"}`, reason: events.NotJSON, beyond: true},
	{name: "a second line", value: "{\"task_id\":\"1\"}\n{\"task_id\":\"2\"}\n", reason: events.NotJSON, beyond: true},
	{name: "a null byte at the end", value: "{\"task_id\":\"1\"}\x00", reason: events.NotJSON, beyond: true},
	{name: "cut short", value: `{"task_id":"1"`, reason: events.NotJSON, beyond: true},
	{name: "a string cut short", value: `{"task_id":"1`, reason: events.NotJSON, beyond: true},
	{name: "an escape cut short", value: `{"task_id":"\u00`, reason: events.NotJSON, beyond: true},
	{name: "an unknown escape", value: `{"task_id":"\x31"}`, reason: events.NotJSON, beyond: true},
	{name: "a comma too many", value: `{"task_id":"1",}`, reason: events.NotJSON, beyond: true},
	{name: "a comma too many in an array", value: `{"task_id":"1","x":[1,]}`, reason: events.NotJSON, beyond: true},
	{name: "a comma too few", value: `{"task_id":"1" "x":1}`, reason: events.NotJSON, beyond: true},
	{name: "brackets that do not match", value: `{"task_id":"1","x":[1}}`, reason: events.NotJSON, beyond: true},
	{name: "brackets that do not match, inside", value: `{"task_id":"1","x":{"a":[{"b":1]}]}}`, reason: events.NotJSON, beyond: true},
	{name: "a name without quotes", value: `{task_id:"1"}`, reason: events.NotJSON, beyond: true},
	{name: "single quotes", value: `{'task_id':'1'}`, reason: events.NotJSON, beyond: true},
	{name: "a misspelt word", value: `{"task_id":"1","x":nul}`, reason: events.NotJSON, beyond: true},
	{name: "NaN", value: `{"task_id":"1","x":NaN}`, reason: events.NotJSON, beyond: true},
	{name: "a fraction without digits", value: `{"task_id":"1","x":1.}`, reason: events.NotJSON, beyond: true},
	{name: "an exponent without digits", value: `{"task_id":"1","x":1e+}`, reason: events.NotJSON, beyond: true},
	{name: "a comment", value: `{"task_id":"1"/* first */}`, reason: events.NotJSON, beyond: true},
	{name: "a line break inside a string", value: "{\"task_id\":\"1\",\"x\":\"a\nb\"}", reason: events.NotJSON, beyond: true},
	{name: "a null byte in the id", value: "{\"task_id\":\"1\x00\"}", reason: events.NotJSON, beyond: true},
	{name: "leading zeros", value: `{"task_id":007}`, reason: events.NotJSON, beyond: true},
	{name: "a plus sign", value: `{"task_id":+7}`, reason: events.NotJSON, beyond: true},
	{name: "an unfinished SMN message", value: smn(`{"task_id":`), reason: events.NotJSON},
	{name: "an SMN message in words", value: smn("Dear user"), reason: events.NotJSON},
	{name: "an SMN envelope that asks for confirmation", value: subscription, reason: events.UnknownShape},
	{name: "the same in other letters, its message JSON", value: `{"type":"unsubscribeCONFIRMATION","message_id":"m","message":"{\"task_id\":\"1\"}"}`, reason: events.UnknownShape},
	{name: "an empty SMN message", value: smn(""), reason: events.NotJSON},
	{name: "base64 of no JSON", value: `{"specversion":"1.0","data_base64":"` + inBase64("x") + `"}`, reason: events.NotJSON},
	{name: "base64 of Latin-1", value: `{"specversion":"1.0","data_base64":"` + inBase64("{\"task_id\":\"\xE4\"}") + `"}`, reason: events.NotUTF8, beyond: true},

	{name: "1,001 levels", value: `{"task_id":"1","x":` + nested(1001) + `}`, reason: events.TooDeep, beyond: true},
	{name: "1,001 arrays, each in the next", value: `{"task_id":"1","x":` + strings.Repeat("[", 1001) + strings.Repeat("]", 1001) + `}`, reason: events.TooDeep, beyond: true},
	{name: "a million brackets", value: strings.Repeat("[", 1_000_000), reason: events.TooDeep, beyond: true},
	{name: "a million objects", value: strings.Repeat(`{"a":`, 1_000_000), reason: events.TooDeep, beyond: true},
	{name: "1,001 levels inside an SMN message", value: smn(`{"task_id":"1","x":` + nested(1001) + `}`), reason: events.TooDeep, beyond: true},

	{name: "null", value: `null`, reason: events.UnknownShape},
	{name: "a bare id", value: `538526`, reason: events.UnknownShape},
	{name: "an array", value: `[{"task_id":"1"}]`, reason: events.UnknownShape},
	{name: "a notification without a status", value: `{"remux_info":{"task_id":"1"}}`, reason: events.UnknownShape},
	{name: "a notification with a numeric status", value: `{"remux_info":{"task_id":"1","status":1}}`, reason: events.UnknownShape},
	{name: "a notification that is no object", value: `{"remux_info":"FAILED"}`, reason: events.UnknownShape},
	{name: "an SMN message that is no string", value: `{"type":"Notification","message_id":"m","message":{"task_id":"1"}}`, reason: events.UnknownShape},
	{name: "an SMN message that is no object", value: smn(`["1"]`), reason: events.UnknownShape},
	{name: "a CloudEvent of another version", value: `{"specversion":"0.3","data":{"task_id":"1"}}`, reason: events.UnknownShape},
	{name: "a CloudEvent of a numeric version", value: `{"specversion":1.0,"data":{"task_id":"1"}}`, reason: events.UnknownShape},
	{name: "a CloudEvent with a string for data", value: cloudEvent(quote(`{"task_id":"1"}`)), reason: events.UnknownShape},
	{name: "a CloudEvent with bad base64", value: `{"specversion":"1.0","data_base64":"%"}`, reason: events.UnknownShape},
	{name: "a CloudEvent with a number for base64", value: `{"specversion":"1.0","data_base64":1}`, reason: events.UnknownShape},

	{name: "two specversions", value: `{"specversion":"1.0","specversion":"1.0","data":{"task_id":"1"}}`, reason: events.Ambiguous, beyond: true},
	{name: "two data", value: `{"specversion":"1.0","data":{"task_id":"1"},"data":{"task_id":"2"}}`, reason: events.Ambiguous, beyond: true},
	{name: "data in two forms", value: `{"specversion":"1.0","data":{"task_id":"1"},"data_base64":"` + inBase64(`{"task_id":"2"}`) + `"}`, reason: events.Ambiguous},
	{name: "two data_base64", value: `{"specversion":"1.0","data_base64":"e30=","data_base64":"e30="}`, reason: events.Ambiguous, beyond: true},
	{name: "two remux_info", value: `{"remux_info":{"task_id":"1","status":"FAILED"},"remux_info":{"task_id":"2","status":"FAILED"}}`, reason: events.Ambiguous, beyond: true},
	{name: "two remux_info, one null", value: `{"task_id":"1","remux_info":{"task_id":"1","status":"FAILED"},"remux_info":null}`, reason: events.Ambiguous, beyond: true},
	{name: "two statuses", value: `{"remux_info":{"task_id":"1","status":"SUCCEED","status":"FAILED"}}`, reason: events.Ambiguous, beyond: true},
	{name: "two SMN messages", value: `{"type":"Notification","message_id":"m","message":"{\"task_id\":\"1\"}","message":"{\"task_id\":\"2\"}"}`, reason: events.Ambiguous, beyond: true},
	{name: "two SMN types", value: `{"type":"Notification","type":"x","message_id":"m","message":"{\"task_id\":\"1\"}"}`, reason: events.Ambiguous, beyond: true},

	{name: "no task_id", value: `{}`, reason: events.NoTaskID},
	{name: "a task_id in other letters", value: `{"TASK_ID":"1","taskId":"1"}`, reason: events.NoTaskID},
	{name: "a task_id in other letters beside a producer's own …_info", value: `{"taskId":"1","asset_info":{"task_id":"2","status":"FAILED"}}`, reason: events.NoTaskID},
	{name: "a null task_id", value: `{"task_id":null}`, reason: events.NoTaskID},
	{name: "a notification without a task_id", value: `{"task_id":"1","remux_info":{"status":"FAILED"}}`, reason: events.NoTaskID},
	{name: "a CloudEvent without data", value: `{"specversion":"1.0","task_id":"1"}`, reason: events.NoTaskID},
	{name: "a CloudEvent inside a CloudEvent", value: cloudEvent(cloudEvent(`{"task_id":"1"}`)), reason: events.NoTaskID},
	{name: "an SMN envelope inside an SMN envelope", value: smn(smn(`{"task_id":"1"}`)), reason: events.NoTaskID},
	{name: "a CloudEvent inside an SMN envelope", value: smn(cloudEvent(`{"task_id":"1"}`)), reason: events.NoTaskID},

	{name: "two task_ids", value: `{"task_id":"1","task_id":"2"}`, reason: events.TwoTaskIDs, beyond: true},
	{name: "the same task_id twice", value: `{"task_id":"1","task_id":"1"}`, reason: events.TwoTaskIDs, beyond: true},
	{name: "two task_ids, one null", value: `{"task_id":"1","task_id":null}`, reason: events.TwoTaskIDs, beyond: true},
	{name: "a second task_id behind an escape", value: `{"task_id":"1","task\u005Fid":"2"}`, reason: events.TwoTaskIDs, beyond: true},
	{name: "two task_ids in a notification", value: `{"remux_info":{"task_id":"1","task_id":"2","status":"FAILED"}}`, reason: events.TwoTaskIDs, beyond: true},
	{name: "two task_ids in an SMN message", value: smn(`{"task_id":"1","task_id":"2"}`), reason: events.TwoTaskIDs, beyond: true},

	{name: "an empty id", value: `{"task_id":""}`, reason: events.InvalidTaskID},
	{name: "an id of 129 bytes", value: `{"task_id":"` + strings.Repeat("a", 129) + `"}`, reason: events.InvalidTaskID},
	{name: "an id of 129 bytes in 128 characters", value: `{"task_id":"` + strings.Repeat("a", 127) + `ä"}`, reason: events.InvalidTaskID, beyond: true},
	{name: "an integer of 129 digits", value: `{"task_id":` + strings.Repeat("9", 129) + `}`, reason: events.InvalidTaskID, beyond: true},
	{name: "an exponent", value: `{"task_id":5.385260e5}`, reason: events.InvalidTaskID, beyond: true},
	{name: "an exponent without a point", value: `{"task_id":5e5}`, reason: events.InvalidTaskID, beyond: true},
	{name: "a fraction", value: `{"task_id":1.5}`, reason: events.InvalidTaskID},
	{name: "a fraction of nothing", value: `{"task_id":1.0}`, reason: events.InvalidTaskID, beyond: true},
	{name: "a sign", value: `{"task_id":-1}`, reason: events.InvalidTaskID},
	{name: "minus nought", value: `{"task_id":-0}`, reason: events.InvalidTaskID, beyond: true},
	{name: "true", value: `{"task_id":true}`, reason: events.InvalidTaskID},
	{name: "an id in an array", value: `{"task_id":["1"]}`, reason: events.InvalidTaskID},
	{name: "an id in an object", value: `{"task_id":{"task_id":"1"}}`, reason: events.InvalidTaskID},
	{name: "U+0000 in the id", value: `{"task_id":"1\u0000"}`, reason: events.InvalidTaskID},
	{name: "a line break in the id", value: `{"task_id":"1\r\nX-Auth-Token: 2"}`, reason: events.InvalidTaskID},
	{name: "DEL in the id", value: "{\"task_id\":\"1\x7f\"}", reason: events.InvalidTaskID},
	{name: "a C1 control character in the id", value: `{"task_id":"1\u009b"}`, reason: events.InvalidTaskID},
	{name: "a blank in the id", value: `{"task_id":"1 "}`, reason: events.InvalidTaskID},
	{name: "a no-break space in the id", value: "{\"task_id\":\"1\u00a0\"}", reason: events.InvalidTaskID},
	{name: "an ideographic space in the id", value: "{\"task_id\":\"\u3000\"}", reason: events.InvalidTaskID},
	{name: "half a surrogate pair in the id", value: `{"task_id":"1\ud800"}`, reason: events.InvalidTaskID, beyond: true},
	{name: "the other half", value: `{"task_id":"\udc00\ud800"}`, reason: events.InvalidTaskID, beyond: true},
	{name: "a high surrogate before a plain escape", value: `{"task_id":"\ud800\u0041"}`, reason: events.InvalidTaskID, beyond: true},
	{name: "half a surrogate pair in the id, in an SMN message", value: `{"type":"Notification","message_id":"m","message":"{\"task_id\":\"1\ud800\"}"}`, reason: events.InvalidTaskID, beyond: true},
}
