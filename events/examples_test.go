package events_test

import (
	"encoding/base64"
	"strings"

	"remux-retrier/events"
)

// example is a record that is accepted, and what it says.
type example struct {
	name    string
	value   string
	headers []events.Header
	want    events.Failure
}

const (
	parent   = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	twoTo64  = "18446744073709551616"
	notified = `{"event_type":"RemuxComplete","remux_info":{"task_id":"538526","status":"FAILED","error_code":"MPC.10105","description":"please retry"}}`
)

func task(id string) events.Failure { return events.Failure{TaskID: id} }

func binary(more ...string) []events.Header {
	headers := []events.Header{header("ce_specversion", "1.0"), header("ce_type", "remux.failed"), header("ce_source", "/platform")}
	for i := 0; i < len(more); i += 2 {
		headers = append(headers, header(more[i], more[i+1]))
	}
	return headers
}

func header(key, value string) events.Header {
	return events.Header{Key: key, Value: []byte(value)}
}

func inBase64(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// nested is a value of the given number of levels, arrays and objects in turn.
func nested(levels int) string {
	if levels%2 == 1 {
		return strings.Repeat(`[{"k":`, levels/2) + "[]" + strings.Repeat("}]", levels/2)
	}
	return strings.Repeat(`[{"k":`, levels/2-1) + "[{}]" + strings.Repeat("}]", levels/2-1)
}

// quote writes text as a JSON string, the way SMN wraps its message.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(text) + `"`
}

func smn(message string) string {
	return `{"type":"Notification","topic_urn":"urn:smn:cn-north-4:p:t","message_id":"m-1","message":` + quote(message) +
		`,"timestamp":"2026-11-23T08:00:00Z","signature":"c2ln"}`
}

func cloudEvent(data string) string {
	return `{"specversion":"1.0","id":"e-1","source":"/platform","type":"remux.failed","data":` + data + `}`
}

var full = events.Failure{TaskID: "538526", ErrorCode: "MPC.10105", Description: "please retry"}

func withID(f events.Failure, id string) events.Failure { f.ID = id; return f }

func withUserData(f events.Failure, data string) events.Failure { f.UserData = data; return f }

var leftOut = events.Failure{TaskID: "1", UserDataLeftOut: true}

func withParent(f events.Failure, traceparent string) events.Failure {
	f.Traceparent = traceparent
	return f
}

var accepted = []example{
	{name: "an id in a string", value: `{"task_id":"538526"}`, want: task("538526")},
	{name: "an id that is no number", value: `{"task_id":"Übung-1/ä?b=c"}`, want: task("Übung-1/ä?b=c")},
	{name: "an integer", value: `{"task_id":538526}`, want: task("538526")},
	{name: "zero", value: `{"task_id":0}`, want: task("0")},
	{name: "an integer beyond 64 bits", value: `{"task_id":` + twoTo64 + `}`, want: task(twoTo64)},
	{name: "an id of 128 bytes", value: `{"task_id":"` + strings.Repeat("ü", 64) + `"}`, want: task(strings.Repeat("ü", 64))},
	{name: "an integer of 128 digits", value: `{"task_id":` + strings.Repeat("9", 128) + `}`, want: task(strings.Repeat("9", 128))},
	{name: "an id with escapes", value: `{"task_id":"\u0035\/\ud83d\ude00\""}`, want: task("5/\U0001F600\"")},
	{name: "a name with escapes", value: `{"task\u005fid":"1"}`, want: task("1")},
	{name: "white space around everything", value: " \t\r\n{ \"task_id\" :\n\"1\" , \"x\" : [ 1 , { } , [ ] , { \"a\" : null } ] } \n", want: task("1")},
	{name: "error code and description", value: `{"task_id":"538526","error_code":"MPC.10105","description":"please retry"}`, want: full},
	{name: "their numbers", value: `{"task_id":"1","error_code":10105,"description":-1.5e3}`, want: events.Failure{TaskID: "1", ErrorCode: "10105", Description: "-1.5e3"}},
	{name: "their odd types", value: `{"task_id":"1","error_code":{"task_id":"2"},"description":[true]}`, want: task("1")},
	{name: "their nulls", value: `{"task_id":"1","error_code":null,"description":null}`, want: task("1")},
	{name: "their repetition", value: `{"task_id":"1","error_code":"a","error_code":"b"}`, want: task("1")},
	{name: "half a surrogate pair in the description", value: `{"task_id":"1","description":"a\ud83d"}`, want: events.Failure{TaskID: "1", Description: "a\uFFFD"}},
	{name: "user data", value: `{"task_id":"1","user_data":"asset 93f1 \u00e4\n"}`, want: events.Failure{TaskID: "1", UserData: "asset 93f1 ä\n"}},
	{name: "user data that is a number", value: `{"task_id":"1","user_data":18446744073709551616}`, want: events.Failure{TaskID: "1", UserData: twoTo64}},
	{name: "no user data", value: `{"task_id":"1","user_data":""}`, want: task("1")},
	{name: "null user data", value: `{"task_id":"1","user_data":null}`, want: task("1")},
	{name: "4 KiB of user data", value: `{"task_id":"1","user_data":"` + strings.Repeat("ü", 2048) + `"}`, want: events.Failure{TaskID: "1", UserData: strings.Repeat("ü", 2048)}},
	{name: "more than 4 KiB of it", value: `{"task_id":"1","user_data":"` + strings.Repeat("ü", 2048) + `."}`, want: leftOut},
	{name: "user data that is an object", value: `{"task_id":"1","user_data":{"asset":"93f1"}}`, want: leftOut},
	{name: "user data twice", value: `{"task_id":"1","user_data":"a","user_data":"b"}`, want: leftOut},
	{name: "half a surrogate pair in the user data", value: `{"task_id":"1","user_data":"a\ud83d"}`, want: leftOut},
	{name: "an xcode_error", value: `{"task_id":"538526","xcode_error":{"error_code":"MPC.10105","error_msg":"please retry"}}`, want: full},
	{name: "an xcode_error beside a code", value: `{"task_id":"538526","error_code":"MPC.10105","description":"please retry","xcode_error":{"error_code":"9","error_msg":"no"}}`, want: full},
	{name: "an xcode_error beside a description", value: `{"task_id":"538526","description":"please retry","xcode_error":{"error_code":"MPC.10105","error_msg":"no"}}`, want: full},
	{name: "odd xcode_errors", value: `{"task_id":"1","xcode_error":["MPC.10105"]}`, want: task("1")},
	{name: "unknown fields, repeated", value: `{"a":1,"a":2,"task_id":"1","data":1,"data":2,"status":1,"status":2}`, want: task("1")},
	{name: "names that differ in case", value: `{"TASK_ID":"9","Task_Id":"8","task_id":"1","Type":"Notification","Message":"m","Remux_Info":{}}`, want: task("1")},
	{name: "a task_id in an unknown field", value: `{"x":{"task_id":"2"},"task_id":"1","y":[{"task_id":"3"}]}`, want: task("1")},
	{name: "null where another shape's field would be", value: `{"specversion":null,"type":null,"message":null,"remux_info":null,"task_id":"1"}`, want: task("1")},
	{name: "a type without a message", value: `{"type":"remux","task_id":"1"}`, want: task("1")},
	{name: "a message without a type", value: `{"message":"it failed","task_id":"1"}`, want: task("1")},
	{name: "a type and a message of a producer's own", value: `{"type":"remux.failed","task_id":"700010","message":"packager node died"}`, want: task("700010")},
	{name: "the same with an id", value: `{"type":"remux.failed","message_id":"m-9","task_id":"700010","message":"{}"}`, want: task("700010")},
	{name: "SMN's type without SMN's ids", value: `{"type":"Notification","task_id":"1","message":"it failed","message_id":null}`, want: task("1")},
	{name: "MPC's field names in an event with a task_id", value: `{"task_id":"1","event_type":"TranscodeComplete","transcode_info":{"task_id":"2"}}`, want: task("1")},
	{name: "900 kB in an unknown field", value: `{"x":"` + strings.Repeat("ä", 450_000) + `","task_id":"1"}`, want: task("1")},
	{name: "900 levels in an unknown field", value: `{"x":` + nested(900) + `,"task_id":"1"}`, want: task("1")},
	{name: "1,000 levels in an unknown field", value: `{"x":` + nested(1000) + `,"task_id":"1"}`, want: task("1")},
	{name: "1,000 levels inside a wrapped notification", value: cloudEvent(`{"remux_info":{"x":` + nested(1000) + `,"task_id":"1","status":"FAILED"}}`), want: withID(task("1"), "e-1")},
	{name: "1,000 arrays, each in the next", value: `{"x":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + `,"task_id":"1"}`, want: task("1")},

	{name: "MPC's notification", value: notified, want: full},
	{name: "MPC's notification with user data and an xcode_error", value: smn(`{"event_type":"RemuxComplete","remux_info":{"task_id":"538526","status":"FAILED","xcode_error":{"error_code":"MPC.10105","error_msg":"please retry"},"user_data":"{\"asset\":\"93f1\"}"}}`), want: withID(withUserData(full, `{"asset":"93f1"}`), "m-1")},
	{name: "MPC's notification with a numeric id", value: `{"remux_info":{"task_id":538526,"status":"FAILED"}}`, want: task("538526")},
	{name: "MPC's notification beside another task_id", value: `{"task_id":"1","remux_info":{"task_id":"2","status":"FAILED"}}`, want: task("2")},

	{name: "a structured CloudEvent", value: cloudEvent(`{"task_id":"538526","error_code":"MPC.10105","description":"please retry"}`), headers: []events.Header{header("content-type", "application/cloudevents+json; charset=UTF-8")}, want: withID(full, "e-1")},
	{name: "a structured CloudEvent without a content type", value: cloudEvent(`{"task_id":"1"}`), want: withID(task("1"), "e-1")},
	{name: "a structured CloudEvent around MPC's notification", value: cloudEvent(notified), want: withID(full, "e-1")},
	{name: "a structured CloudEvent around an SMN envelope", value: cloudEvent(smn(notified)), want: withID(full, "e-1")},
	{name: "a structured CloudEvent without an id around an SMN envelope", value: `{"specversion":"1.0","data":` + smn(notified) + `}`, want: withID(full, "m-1")},
	{name: "a structured CloudEvent in base64", value: `{"specversion":"1.0","id":"e-1","data":null,"data_base64":"` + inBase64(`{"task_id":"1"}`) + `"}`, want: withID(task("1"), "e-1")},
	{name: "a structured CloudEvent with a trace", value: `{"specversion":"1.0","traceparent":"` + parent + `","data":{"task_id":"1"}}`, want: withParent(task("1"), parent)},
	{name: "a structured CloudEvent with its data first", value: `{"data":{"task_id":"1"},"specversion":"1.0"}`, want: task("1")},

	{name: "a binary CloudEvent", value: `{"task_id":"1"}`, headers: binary("ce_id", "e-2", "content-type", "application/json"), want: withID(task("1"), "e-2")},
	{name: "a binary CloudEvent with MPC's notification", value: notified, headers: binary("ce_id", "e-2"), want: withID(full, "e-2")},
	{name: "a binary CloudEvent with an SMN envelope", value: smn(notified), headers: binary("ce_id", "e-2"), want: withID(full, "e-2")},
	{name: "a binary CloudEvent without an id", value: smn(notified), headers: binary(), want: withID(full, "m-1")},
	{name: "a ce_id without a specversion", value: `{"task_id":"1"}`, headers: []events.Header{header("ce_id", "e-2")}, want: task("1")},
	{name: "a binary CloudEvent with a trace", value: `{"task_id":"1"}`, headers: binary("ce_traceparent", parent), want: withParent(task("1"), parent)},

	{name: "an SMN envelope with an id", value: smn(`{"task_id":"1"}`), want: withID(task("1"), "m-1")},
	{name: "an SMN envelope in other letters", value: `{"type":"NOTIFICATION","topic_urn":"u","message":"{\"task_id\":\"1\"}"}`, want: task("1")},
	{name: "an SMN envelope with MPC's notification", value: smn("\n" + notified), want: withID(full, "m-1")},
	{name: "an SMN envelope beside another task_id", value: `{"task_id":"9","type":"Notification","topic_urn":"u","message":"{\"task_id\":\"1\"}"}`, want: task("1")},
	{name: "half a surrogate pair in an SMN message", value: `{"type":"Notification","topic_urn":"u","message":"{\"task_id\":\"1\",\"description\":\"\ude00\"}"}`, want: events.Failure{TaskID: "1", Description: "\uFFFD"}},
}
