package eventstest

import (
	"encoding/base64"
	"strings"

	"remux-retrier/events"
)

// Example is an accepted record and its content.
type Example struct {
	Name    string
	Value   string
	Headers []events.Header
	Want    events.Failure
}

const (
	Parent   = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	twoTo64  = "18446744073709551616"
	Notified = `{"event_type":"RemuxComplete","remux_info":{"task_id":"538526","status":"FAILED","error_code":"MPC.10105","description":"please retry"}}`
)

// Task is a failure of a task with only its id.
func Task(id string) events.Failure { return events.Failure{TaskID: id} }

// Binary returns the headers of a CloudEvent in binary mode, and after them those in more,
// which has names and values in turn.
func Binary(more ...string) []events.Header {
	headers := []events.Header{Header("ce_specversion", "1.0"), Header("ce_type", "remux.failed"), Header("ce_source", "/platform")}
	for i := 0; i < len(more); i += 2 {
		headers = append(headers, Header(more[i], more[i+1]))
	}
	return headers
}

// Header returns a header with that value.
func Header(key, value string) events.Header {
	return events.Header{Key: key, Value: []byte(value)}
}

func inBase64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// Nested is a value with the given number of levels, arrays and objects in turn.
func Nested(levels int) string {
	if levels%2 == 1 {
		return strings.Repeat(`[{"k":`, levels/2) + "[]" + strings.Repeat("}]", levels/2)
	}
	return strings.Repeat(`[{"k":`, levels/2-1) + "[{}]" + strings.Repeat("}]", levels/2-1)
}

// Quote writes text as a JSON string, as SMN does with its message.
func Quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

// SMN wraps a message as Huawei Cloud's SMN does.
func SMN(message string) string {
	return `{"type":"Notification","topic_urn":"urn:smn:cn-north-4:p:t","message_id":"m-1","message":` + Quote(message) +
		`,"timestamp":"2026-11-23T08:00:00Z","signature":"c2ln"}`
}

// CloudEvent returns one in structured mode around JSON data.
func CloudEvent(data string) string {
	return `{"specversion":"1.0","id":"e-1","source":"/platform","type":"remux.failed","data":` + data + `}`
}

// Full is the content of the typical event.
var Full = events.Failure{TaskID: "538526", ErrorCode: "MPC.10105", Description: "please retry"}

// WithID is a failure whose event has that id.
func WithID(f events.Failure, id string) events.Failure { f.ID = id; return f }

func withUserData(f events.Failure, data string) events.Failure { f.UserData = data; return f }

var leftOut = events.Failure{TaskID: "1", UserDataLeftOut: true}

// WithParent is a failure with that traceparent.
func WithParent(f events.Failure, traceparent string) events.Failure {
	f.Traceparent = traceparent
	return f
}

// Accepted are readable records in all shapes.
var Accepted = []Example{
	{Name: "an id in a string", Value: `{"task_id":"538526"}`, Want: Task("538526")},
	{Name: "an id that is no number", Value: `{"task_id":"Übung-1/ä?b=c"}`, Want: Task("Übung-1/ä?b=c")},
	{Name: "an integer", Value: `{"task_id":538526}`, Want: Task("538526")},
	{Name: "zero", Value: `{"task_id":0}`, Want: Task("0")},
	{Name: "an integer beyond 64 bits", Value: `{"task_id":` + twoTo64 + `}`, Want: Task(twoTo64)},
	{Name: "an id of 128 bytes", Value: `{"task_id":"` + strings.Repeat("ü", 64) + `"}`, Want: Task(strings.Repeat("ü", 64))},
	{Name: "an integer of 128 digits", Value: `{"task_id":` + strings.Repeat("9", 128) + `}`, Want: Task(strings.Repeat("9", 128))},
	{Name: "an id with escapes", Value: `{"task_id":"\u0035\/\ud83d\ude00\""}`, Want: Task("5/\U0001F600\"")},
	{Name: "a name with escapes", Value: `{"task\u005fid":"1"}`, Want: Task("1")},
	{Name: "white space around everything", Value: " \t\r\n{ \"task_id\" :\n\"1\" , \"x\" : [ 1 , { } , [ ] , { \"a\" : null } ] } \n", Want: Task("1")},
	{Name: "error code and description", Value: `{"task_id":"538526","error_code":"MPC.10105","description":"please retry"}`, Want: Full},
	{Name: "numbers for error code and description", Value: `{"task_id":"1","error_code":10105,"description":-1.5e3}`, Want: events.Failure{TaskID: "1", ErrorCode: "10105", Description: "-1.5e3"}},
	{Name: "an object for the error code, an array for the description", Value: `{"task_id":"1","error_code":{"task_id":"2"},"description":[true]}`, Want: Task("1")},
	{Name: "null for error code and description", Value: `{"task_id":"1","error_code":null,"description":null}`, Want: Task("1")},
	{Name: "two error codes", Value: `{"task_id":"1","error_code":"a","error_code":"b"}`, Want: Task("1")},
	{Name: "half a surrogate pair in the description", Value: `{"task_id":"1","description":"a\ud83d"}`, Want: events.Failure{TaskID: "1", Description: "a\uFFFD"}},
	{Name: "user data", Value: `{"task_id":"1","user_data":"asset 93f1 \u00e4\n"}`, Want: events.Failure{TaskID: "1", UserData: "asset 93f1 ä\n"}},
	{Name: "user data that is a number", Value: `{"task_id":"1","user_data":18446744073709551616}`, Want: events.Failure{TaskID: "1", UserData: twoTo64}},
	{Name: "no user data", Value: `{"task_id":"1","user_data":""}`, Want: Task("1")},
	{Name: "null user data", Value: `{"task_id":"1","user_data":null}`, Want: Task("1")},
	{Name: "4 KiB of user data", Value: `{"task_id":"1","user_data":"` + strings.Repeat("ü", 2048) + `"}`, Want: events.Failure{TaskID: "1", UserData: strings.Repeat("ü", 2048)}},
	{Name: "more than 4 KiB of user data", Value: `{"task_id":"1","user_data":"` + strings.Repeat("ü", 2048) + `."}`, Want: leftOut},
	{Name: "user data that is an object", Value: `{"task_id":"1","user_data":{"asset":"93f1"}}`, Want: leftOut},
	{Name: "user data twice", Value: `{"task_id":"1","user_data":"a","user_data":"b"}`, Want: leftOut},
	{Name: "half a surrogate pair in the user data", Value: `{"task_id":"1","user_data":"a\ud83d"}`, Want: leftOut},
	{Name: "an xcode_error", Value: `{"task_id":"538526","xcode_error":{"error_code":"MPC.10105","error_msg":"please retry"}}`, Want: Full},
	{Name: "an xcode_error beside a code", Value: `{"task_id":"538526","error_code":"MPC.10105","description":"please retry","xcode_error":{"error_code":"9","error_msg":"no"}}`, Want: Full},
	{Name: "an xcode_error beside a description", Value: `{"task_id":"538526","description":"please retry","xcode_error":{"error_code":"MPC.10105","error_msg":"no"}}`, Want: Full},
	{Name: "an xcode_error that is no object", Value: `{"task_id":"1","xcode_error":["MPC.10105"]}`, Want: Task("1")},
	{Name: "unknown fields, repeated", Value: `{"a":1,"a":2,"task_id":"1","data":1,"data":2,"status":1,"status":2}`, Want: Task("1")},
	{Name: "names that differ in case", Value: `{"TASK_ID":"9","Task_Id":"8","task_id":"1","Type":"Notification","Message":"m","Remux_Info":{}}`, Want: Task("1")},
	{Name: "a task_id in an unknown field", Value: `{"x":{"task_id":"2"},"task_id":"1","y":[{"task_id":"3"}]}`, Want: Task("1")},
	{Name: "null where another shape's field would be", Value: `{"specversion":null,"type":null,"message":null,"remux_info":null,"task_id":"1"}`, Want: Task("1")},
	{Name: "a type without a message", Value: `{"type":"remux","task_id":"1"}`, Want: Task("1")},
	{Name: "a message without a type", Value: `{"message":"it failed","task_id":"1"}`, Want: Task("1")},
	{Name: "a type and a message of a producer's own", Value: `{"type":"remux.failed","task_id":"700010","message":"packager node died"}`, Want: Task("700010")},
	{Name: "a type, a message and a message_id of a producer's own", Value: `{"type":"remux.failed","message_id":"m-9","task_id":"700010","message":"{}"}`, Want: Task("700010")},
	{Name: "SMN's type without SMN's ids", Value: `{"type":"Notification","task_id":"1","message":"it failed","message_id":null}`, Want: Task("1")},
	{Name: "MPC's field names in an event with a task_id", Value: `{"task_id":"1","event_type":"TranscodeComplete","transcode_info":{"task_id":"2"}}`, Want: Task("1")},
	{Name: "900 kB in an unknown field", Value: `{"x":"` + strings.Repeat("ä", 450_000) + `","task_id":"1"}`, Want: Task("1")},
	{Name: "900 levels in an unknown field", Value: `{"x":` + Nested(900) + `,"task_id":"1"}`, Want: Task("1")},
	{Name: "1,000 levels in an unknown field", Value: `{"x":` + Nested(1000) + `,"task_id":"1"}`, Want: Task("1")},
	{Name: "1,000 levels inside a wrapped notification", Value: CloudEvent(`{"remux_info":{"x":` + Nested(1000) + `,"task_id":"1","status":"FAILED"}}`), Want: WithID(Task("1"), "e-1")},
	{Name: "1,000 arrays, each in the next", Value: `{"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `,"task_id":"1"}`, Want: Task("1")},

	{Name: "MPC's notification", Value: Notified, Want: Full},
	{Name: "MPC's notification with user data and an xcode_error", Value: SMN(`{"event_type":"RemuxComplete","remux_info":{"task_id":"538526","status":"FAILED","xcode_error":{"error_code":"MPC.10105","error_msg":"please retry"},"user_data":"{\"asset\":\"93f1\"}"}}`), Want: WithID(withUserData(Full, `{"asset":"93f1"}`), "m-1")},
	{Name: "MPC's notification with a numeric id", Value: `{"remux_info":{"task_id":538526,"status":"FAILED"}}`, Want: Task("538526")},
	{Name: "MPC's notification beside another task_id", Value: `{"task_id":"1","remux_info":{"task_id":"2","status":"FAILED"}}`, Want: Task("2")},

	{Name: "a structured CloudEvent", Value: CloudEvent(`{"task_id":"538526","error_code":"MPC.10105","description":"please retry"}`), Headers: []events.Header{Header("content-type", "application/cloudevents+json; charset=UTF-8")}, Want: WithID(Full, "e-1")},
	{Name: "a structured CloudEvent without a content type", Value: CloudEvent(`{"task_id":"1"}`), Want: WithID(Task("1"), "e-1")},
	{Name: "a structured CloudEvent around MPC's notification", Value: CloudEvent(Notified), Want: WithID(Full, "e-1")},
	{Name: "a structured CloudEvent around an SMN envelope", Value: CloudEvent(SMN(Notified)), Want: WithID(Full, "e-1")},
	{Name: "a structured CloudEvent without an id around an SMN envelope", Value: `{"specversion":"1.0","data":` + SMN(Notified) + `}`, Want: WithID(Full, "m-1")},
	{Name: "a structured CloudEvent in base64", Value: `{"specversion":"1.0","id":"e-1","data":null,"data_base64":"` + inBase64(`{"task_id":"1"}`) + `"}`, Want: WithID(Task("1"), "e-1")},
	{Name: "a structured CloudEvent with a trace", Value: `{"specversion":"1.0","traceparent":"` + Parent + `","data":{"task_id":"1"}}`, Want: WithParent(Task("1"), Parent)},
	{Name: "a structured CloudEvent with its data first", Value: `{"data":{"task_id":"1"},"specversion":"1.0"}`, Want: Task("1")},

	{Name: "a binary CloudEvent", Value: `{"task_id":"1"}`, Headers: Binary("ce_id", "e-2", "content-type", "application/json"), Want: WithID(Task("1"), "e-2")},
	{Name: "a binary CloudEvent with MPC's notification", Value: Notified, Headers: Binary("ce_id", "e-2"), Want: WithID(Full, "e-2")},
	{Name: "a binary CloudEvent with an SMN envelope", Value: SMN(Notified), Headers: Binary("ce_id", "e-2"), Want: WithID(Full, "e-2")},
	{Name: "a binary CloudEvent without an id", Value: SMN(Notified), Headers: Binary(), Want: WithID(Full, "m-1")},
	{Name: "a ce_id without a specversion", Value: `{"task_id":"1"}`, Headers: []events.Header{Header("ce_id", "e-2")}, Want: Task("1")},
	{Name: "a binary CloudEvent with a trace", Value: `{"task_id":"1"}`, Headers: Binary("ce_traceparent", Parent), Want: WithParent(Task("1"), Parent)},

	{Name: "an SMN envelope with an id", Value: SMN(`{"task_id":"1"}`), Want: WithID(Task("1"), "m-1")},
	{Name: "an SMN envelope in other letters", Value: `{"type":"NOTIFICATION","topic_urn":"u","message":"{\"task_id\":\"1\"}"}`, Want: Task("1")},
	{Name: "an SMN envelope with MPC's notification", Value: SMN("\n" + Notified), Want: WithID(Full, "m-1")},
	{Name: "an SMN envelope beside another task_id", Value: `{"task_id":"9","type":"Notification","topic_urn":"u","message":"{\"task_id\":\"1\"}"}`, Want: Task("1")},
	{Name: "half a surrogate pair in an SMN message", Value: `{"type":"Notification","topic_urn":"u","message":"{\"task_id\":\"1\",\"description\":\"\ude00\"}"}`, Want: events.Failure{TaskID: "1", Description: "\uFFFD"}},
}
