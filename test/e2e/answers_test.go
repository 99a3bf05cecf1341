//go:build kafka

package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// trace is a valid W3C trace context.
const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

// shapes has a failure event of each accepted shape; %s is the task id.
var shapes = map[string]struct {
	value    string
	headers  []kgo.RecordHeader
	id, code string // expected in the outcome
}{
	"plain":          {value: `{"task_id":"%s","error_code":"MPC.10105","description":"Ünïcode"}`, code: "MPC.10105"},
	"number":         {value: `{"task_id":%s}`},
	"structured":     {value: `{"specversion":"1.0","id":"ce-1","source":"/s","type":"t","data":{"task_id":"%s","error_code":"MPC.10104"}}`, headers: contentType("application/cloudevents+json"), id: "ce-1", code: "MPC.10104"},
	"binary":         {value: `{"task_id":"%s"}`, headers: []kgo.RecordHeader{{Key: "ce_specversion", Value: []byte("1.0")}, {Key: "ce_id", Value: []byte("ce-2")}, {Key: "ce_source", Value: []byte("/s")}, {Key: "ce_type", Value: []byte("t")}}, id: "ce-2"},
	"notification":   {value: `{"event_type":"RemuxComplete","remux_info":{"task_id":"%s","status":"FAILED","error_code":"MPC.10050","description":"d"}}`, code: "MPC.10050"},
	"SMN of plain":   {value: `{"type":"Notification","message_id":"smn-1","message":"{\"task_id\":\"%s\"}","timestamp":"2026-11-23T08:00:00Z"}`, id: "smn-1"},
	"SMN of MPC":     {value: `{"type":"Notification","message_id":"smn-2","message":"{\"event_type\":\"RemuxComplete\",\"remux_info\":{\"task_id\":\"%s\",\"status\":\"FAILED\",\"error_code\":\"MPC.10105\"}}"}`, id: "smn-2", code: "MPC.10105"},
	"event of MPC":   {value: `{"specversion":"1.0","id":"ce-3","source":"/s","type":"t","data":{"event_type":"RemuxComplete","remux_info":{"task_id":"%s","status":"FAILED","error_code":"MPC.10105"}}}`, id: "ce-3", code: "MPC.10105"},
	"event of SMN":   {value: `{"specversion":"1.0","id":"ce-4","source":"/s","type":"t","data":{"type":"Notification","message_id":"inner","message":"{\"task_id\":\"%s\"}"}}`, id: "ce-4"},
	"white space":    {value: "\r\n\t {\"task_id\" :\n\"%s\" , \"x\":[1,2,{}]}\n"},
	"traced":         {value: `{"task_id":"%s"}`, headers: []kgo.RecordHeader{{Key: "traceparent", Value: []byte(trace)}}},
	"badly traced":   {value: `{"task_id":"%s"}`, headers: []kgo.RecordHeader{{Key: "traceparent", Value: []byte("00-0-0-0")}}},
	"unknown fields": {value: `{"task_id":"%s","Task_ID":"other","deep":` + nested(900) + `}`},
}

func contentType(value string) []kgo.RecordHeader {
	return []kgo.RecordHeader{{Key: "content-type", Value: []byte(value)}}
}

func nested(levels int) string {
	return strings.Repeat("[", levels) + strings.Repeat("]", levels)
}

func TestEveryAcceptedShapeIsAnswered(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{})
	events := map[string]*kgo.Record{}
	id := 538526
	for name, shape := range shapes {
		id++
		task := fmt.Sprint(id)
		events[name] = &kgo.Record{Key: []byte(task), Value: []byte(strings.Replace(shape.value, "%s", task, 1)), Headers: shape.headers}
		r.publish(events[name])
	}
	huge := event("unused")
	huge.Key, huge.Value = []byte("18446744073709551616"), []byte(`{"task_id":18446744073709551616}`)
	large := event("large")
	large.Value = []byte(`{"padding":"` + strings.Repeat("x", 900_000) + `","task_id":"large"}`)
	r.publish(huge, large)
	events["beyond 64 bits"], events["900 kB"] = huge, large

	started := &kgo.Record{Value: []byte(`{"event_type":"RemuxStart","remux_info":{"task_id":"1","status":"PROCESSING"}}`)}
	success := &kgo.Record{Value: []byte(`{"event_type":"RemuxComplete","remux_info":{"task_id":"1","status":"SUCCEED"}}`)}
	r.publish(started, success)
	r.expectNoAnswer(started, success)

	r.start().ready()
	r.finishWithoutRepeats(30 * time.Second)
	r.calledOnce(t, len(events))
	for name, rec := range events {
		o := r.collector.of(rec)
		if o == nil {
			t.Errorf("%s: no outcome", name)
			continue
		}
		shape := shapes[name]
		if o.Reason != "accepted" || o.Attempts != 1 || o.TaskID != string(rec.Key) {
			t.Errorf("%s: %s", name, o.record.Value)
		}
		if o.FailedEvent.ID != shape.id {
			t.Errorf("%s: failed_event.id is %q, want %q", name, o.FailedEvent.ID, shape.id)
		}
		if code := codeOf(o); code != shape.code {
			t.Errorf("%s: failure.error_code is %q, want %q", name, code, shape.code)
		}
	}
	if got := r.collector.of(events["traced"]).headers["traceparent"]; got != trace {
		t.Errorf("traceparent is %q, want the failure event's", got)
	}
	if got, carried := r.collector.of(events["badly traced"]).headers["traceparent"]; carried {
		t.Errorf("an invalid traceparent was copied: %q", got)
	}
}

func codeOf(o *outcome) string {
	if o.Failure == nil {
		return ""
	}
	return o.Failure.Code
}

func TestEveryReasonIsAnsweredOnItsTopic(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{sim: mpcsim.Config{ProcessingFor: time.Hour}})
	type want struct {
		kind, reason, code string
		status, attempts   int
	}
	wants := map[string]want{
		"accepted":      {kind: "retried", reason: "accepted", attempts: 1},
		"lost":          {kind: "retried", reason: "already_running", attempts: 1},
		"running":       {kind: "retried", reason: "already_running", attempts: 1, status: 403, code: "MPC.10213"},
		"succeeded":     {kind: "retried", reason: "already_running", attempts: 1, status: 403, code: "MPC.10213"},
		"rejected":      {kind: "retry_failed", reason: "rejected", attempts: 1, status: 403, code: "MPC.10212"},
		"other-refusal": {kind: "retry_failed", reason: "rejected", attempts: 1, status: 400, code: "MPC.10999"},
		"missing":       {kind: "retry_failed", reason: "task_not_found", attempts: 1, status: 404, code: "MPC.10211"},
		"invalid":       {kind: "retry_failed", reason: "invalid_task", attempts: 1, status: 400, code: "MPC.10202"},
		"canceled":      {kind: "retry_failed", reason: "not_retryable", attempts: 1, status: 403, code: "MPC.10213"},
		"skipped":       {kind: "retry_failed", reason: "not_retryable"},
	}
	must(t,
		r.mpc.Script("lost", mpcsim.Lose()),
		r.mpc.SetTask(mpcsim.Task{ID: "running", Status: mpcsim.StatusProcessing}),
		r.mpc.SetTask(mpcsim.Task{ID: "succeeded", Status: mpcsim.StatusSucceed}),
		r.mpc.Script("rejected", mpcsim.Fail(403, "MPC.10212")),
		r.mpc.Script("other-refusal", mpcsim.Fail(400, "MPC.10999")),
		r.mpc.Script("missing", mpcsim.Fail(404, "MPC.10211")),
		r.mpc.Script("invalid", mpcsim.Fail(400, "MPC.10202")),
		r.mpc.SetTask(mpcsim.Task{ID: "canceled", Status: mpcsim.StatusCanceled}),
	)
	events := map[string]*kgo.Record{}
	for task := range wants {
		events[task] = event(task)
	}
	events["skipped"].Value = []byte(`{"task_id":"skipped","error_code":"MPC.10052"}`)
	for _, rec := range events {
		r.publish(rec)
	}
	r.start("RETRY_SKIP_CODES", "MPC.10052,MPC.10053").ready()
	r.finishWithoutRepeats(30 * time.Second)

	for task, w := range wants {
		o := r.collector.of(events[task])
		if o == nil {
			t.Errorf("%s: no outcome", task)
			continue
		}
		var got want
		got.kind, got.reason, got.attempts = o.Outcome, o.Reason, o.Attempts
		if o.Error != nil {
			got.status, got.code = o.Error.Status, o.Error.Code
			if o.Error.RequestID == "" {
				t.Errorf("%s: the error has no request_id: %s", task, o.record.Value)
			}
		}
		if got != w {
			t.Errorf("%s: got %+v, want %+v", task, got, w)
		}
		checkWire(t, r, events[task], o)
	}
	if n := r.mpc.Accepted("lost"); n != 1 {
		t.Errorf("the task whose answer was lost was retried %d times", n)
	}
}

// checkWire checks what every outcome promises: topic, key, partition, headers.
func checkWire(t *testing.T, r *rig, failed *kgo.Record, o *outcome) {
	t.Helper()
	topics := map[string]string{"retried": r.retried, "retry_failed": r.retryFailed}
	if o.record.Topic != topics[o.Outcome] {
		t.Errorf("%s is in topic %s", o.record.Value, o.record.Topic)
	}
	if string(o.record.Key) != o.TaskID {
		t.Errorf("key %q of the outcome of task %s", o.record.Key, o.TaskID)
	}
	// franz-go's default partitioner hashes keys as the Java producer does.
	partitioner := kgo.StickyKeyPartitioner(nil).ForTopic(o.record.Topic)
	if want := partitioner.Partition(&kgo.Record{Key: o.record.Key}, 4); int32(want) != o.record.Partition {
		t.Errorf("task %s: partition %d, the Java producer's is %d", o.TaskID, o.record.Partition, want)
	}
	for key, want := range map[string]string{
		"ce_specversion": "1.0", "ce_type": "remux." + o.Outcome, "ce_subject": o.TaskID, "content-type": "application/json",
	} {
		if got := o.headers[key]; got != want {
			t.Errorf("task %s: header %s is %q, want %q", o.TaskID, key, got, want)
		}
	}
	if o.headers["ce_source"] == "" {
		t.Errorf("task %s: no ce_source", o.TaskID)
	}
	if when, err := time.Parse(time.RFC3339Nano, o.headers["ce_time"]); err != nil || !when.Equal(o.DecidedAt) {
		t.Errorf("task %s: ce_time %q, decided_at %v", o.TaskID, o.headers["ce_time"], o.DecidedAt)
	}
	f := o.FailedEvent
	if f.Topic != failed.Topic || f.Partition != failed.Partition || f.Offset != failed.Offset || f.Timestamp.UnixMilli() != failed.Timestamp.UnixMilli() {
		t.Errorf("task %s: failed_event %+v, want %s %d/%d %v", o.TaskID, f, failed.Topic, failed.Partition, failed.Offset, failed.Timestamp)
	}
	if o.Message == "" {
		t.Errorf("task %s: no message", o.TaskID)
	}
}

func must(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestAttemptsAreExhaustedOnlyWhereOthersAreServed(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{sim: mpcsim.Config{Faults: mpcsim.Faults{Latency: 5 * time.Millisecond}}})
	must(t, r.mpc.Script("always-failing", mpcsim.Fail(500, "APIGW.0605").Repeat(mpcsim.Always)))
	alwaysFailing := event("always-failing")
	r.publish(alwaysFailing)
	r.start("RETRY_MAX_ATTEMPTS", "2").ready()
	for i := 0; r.collector.of(alwaysFailing) == nil; i++ {
		if i == 400 {
			t.Fatal("the event whose call always fails has no answer though 6,000 others were served")
		}
		r.load(fmt.Sprintf("served-%d", i), 15)
		r.waitForAnswers(r.expectedAnswers()-1, 20*time.Second)
	}
	r.finishWithoutRepeats(20 * time.Second)
	if o := r.collector.of(alwaysFailing); o.Reason != "attempts_exhausted" || o.Attempts < 2 || o.Error == nil || o.Error.Status != 500 {
		t.Errorf("the event whose call always fails: %s", o.record.Value)
	}
	if n := r.collector.reasons()["accepted"]; n != r.expectedAnswers()-1 {
		t.Errorf("%d of %d other events were accepted", n, r.expectedAnswers()-1)
	}
}
