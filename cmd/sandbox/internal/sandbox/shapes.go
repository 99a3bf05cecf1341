package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kgo"
)

// failureCode is an error code with which a retry can help.
const failureCode = "MPC.10105"

// shape writes a failure event of a task as a producer does.
type shape func(task string) *kgo.Record

// plain writes {"task_id":…}, with the id as a string or a number.
func plain(id func(string) string, code string) shape {
	return func(task string) *kgo.Record {
		return keyed(task, fmt.Sprintf(`{"task_id":%s,"error_code":%q,"description":"Packaging failed."}`, id(task), code))
	}
}

func text(id string) string   { return `"` + id + `"` }
func number(id string) string { return id }

func structured(task string) *kgo.Record {
	r := keyed(task, fmt.Sprintf(`{"specversion":"1.0","id":"ce-%s","source":"/packager","type":"remux.failed","data":{"task_id":"%s","error_code":%q}}`,
		task, task, failureCode))
	r.Headers = []kgo.RecordHeader{header("content-type", "application/cloudevents+json")}
	return r
}

func binary(task string) *kgo.Record {
	r := keyed(task, fmt.Sprintf(`{"task_id":%s,"error_code":%q}`, task, failureCode))
	r.Headers = []kgo.RecordHeader{
		header("ce_specversion", "1.0"), header("ce_id", "ce-"+task), header("ce_source", "/packager"), header("ce_type", "remux.failed"),
		header("content-type", "application/json"),
		header("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
	}
	return r
}

// notification writes MPC's own message about a task.
func notification(status string) shape {
	return func(task string) *kgo.Record { return keyed(task, notice(task, status)) }
}

// envelope writes a notification as SMN delivers it: in a string.
func envelope(task string) *kgo.Record {
	message, _ := json.Marshal(notice(task, "FAILED")) // a string always marshals
	return keyed(task, fmt.Sprintf(`{"type":"Notification","topic_urn":"urn:smn:region:sandbox:mpc","message_id":"smn-%s","message":%s,"timestamp":"2026-11-23T08:00:00Z"}`,
		task, message))
}

func notice(task, status string) string {
	return fmt.Sprintf(`{"event_type":"RemuxComplete","remux_info":{"task_id":%s,"status":%q,"error_code":%q,"description":"Packaging failed."}}`,
		task, status, failureCode)
}

// raw writes a value that is no failure event. The task id replaces %s in it.
func raw(value string) shape {
	return func(task string) *kgo.Record { return keyed(task, strings.ReplaceAll(value, "%s", task)) }
}

// tombstone writes a record without value and key.
func tombstone(string) *kgo.Record { return &kgo.Record{} }

// nested writes an event with more than the 1,000 levels that are accepted.
func nested(task string) *kgo.Record {
	return keyed(task, fmt.Sprintf(`{"task_id":"%s","path":%s%s}`, task, strings.Repeat("[", 1001), strings.Repeat("]", 1001)))
}

// keyed returns a record whose key is the task, so that events of a task stay in order.
func keyed(task, value string) *kgo.Record {
	return &kgo.Record{Key: []byte(task), Value: []byte(value)}
}

func header(key, value string) kgo.RecordHeader {
	return kgo.RecordHeader{Key: key, Value: []byte(value)}
}
