package sandbox

import (
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// kind is a kind of answer. Each has its own topic, except ignored.
type kind int

const (
	retried kind = iota
	retryFailed
	deadLetter
	recovered // the success of a task that was retried
	ignored   // no failure: committed without an answer
)

// skipCode is a failure code in RETRY_SKIP_CODES: the input file is missing.
const skipCode = "MPC.10052"

// example is one failure event, how MPC answers for its task, and the expected answer.
type example struct {
	event string // the kind of event, as printed
	write shape
	long  bool // give it a task id beyond 64 bits
	// notice is the status in MPC's notification, which --smn sends through SMN.
	// Empty: the event is not MPC's own.
	notice string

	status mpcsim.Status // of the task; empty: FAILED
	script []mpcsim.Step // how MPC answers its first retries
	// succeeds: after its retry the task succeeds, and MPC sends a notification of that.
	succeeds bool

	want want
}

// want is the expected answer to an event.
type want struct {
	kind   kind
	reason string // the outcome's reason, or the dead letter's
	// calls is the number of retry calls for the event, done that of the retries that
	// MPC carries out.
	calls, done int
}

// anyNumber as want.calls: the number depends on the other events.
const anyNumber = -1

var (
	accepted = want{retried, "accepted", 1, 1}
	// acceptedOnSecond: the first call fails.
	acceptedOnSecond = want{retried, "accepted", 2, 1}
)

func refused(reason string) want { return want{retryFailed, reason, 1, 0} }

func unreadable(reason string) want { return want{kind: deadLetter, reason: reason} }

// examples returns the examples in the order of --once. The endless stream repeats
// them with new tasks.
func examples() []example {
	failed := plain(text, failureCode)
	return []example{
		{event: "plain", write: failed, succeeds: true, want: accepted},
		{event: "plain, long number", write: plain(number, failureCode), long: true, want: accepted},
		{event: "CloudEvent", write: structured, want: accepted},
		{event: "CloudEvent, binary", write: binary, want: accepted},
		{event: "MPC notification", write: notification("FAILED"), notice: "FAILED", want: accepted},
		{event: "SMN envelope", write: envelope, notice: "FAILED", succeeds: true, want: accepted},
		{event: "MPC: SUCCEED", write: notification("SUCCEED"), notice: "SUCCEED", want: want{kind: ignored}},

		{event: "plain", write: failed, script: []mpcsim.Step{mpcsim.Reset()}, want: acceptedOnSecond},
		{event: "SMN envelope", write: envelope, notice: "FAILED", status: mpcsim.StatusProcessing, want: want{retried, "already_running", 1, 0}},

		{event: "plain", write: failed, script: []mpcsim.Step{mpcsim.Fail(403, "MPC.10212")}, want: refused("rejected")},
		{event: "plain, number", write: plain(number, failureCode), script: []mpcsim.Step{mpcsim.Fail(404, "MPC.10211")}, want: refused("task_not_found")},
		{event: "CloudEvent", write: structured, script: []mpcsim.Step{mpcsim.Lose()}, succeeds: true, want: want{retried, "already_running", 1, 1}},
		{event: "SMN envelope", write: envelope, notice: "FAILED", script: []mpcsim.Step{mpcsim.Fail(400, "MPC.10202")}, want: refused("invalid_task")},
		{event: "CloudEvent", write: structured, status: mpcsim.StatusCanceled, want: refused("not_retryable")},
		{event: "plain, input missing", write: plain(text, skipCode), want: want{kind: retryFailed, reason: "not_retryable"}},
		{event: "MPC notification", write: notification("FAILED"), notice: "FAILED", script: []mpcsim.Step{mpcsim.Fail(503, "APIGW.0613")}, want: acceptedOnSecond},

		{event: "tombstone", write: tombstone, want: unreadable("tombstone")},
		{event: "not UTF-8", write: raw("{\"task_id\":\"%s\",\"title\":\"caf\xe9\"}"), want: unreadable("not_utf8")},
		{event: "not JSON", write: raw("<task>%s</task>"), want: unreadable("not_json")},
		{event: "empty value", write: raw(""), want: unreadable("not_json")},
		{event: "two task ids", write: raw(`{"task_id":"%s","task_id":"1"}`), want: unreadable("two_task_ids")},
		{event: "id in floating point", write: raw(`{"task_id":5.385260e5}`), want: unreadable("invalid_task_id")},
		{event: "null byte in the id", write: raw(`{"task_id":"%s\u0000"}`), want: unreadable("invalid_task_id")},
		{event: "no task id", write: raw(`{"task":"%s"}`), want: unreadable("no_task_id")},
		{event: "nested too deep", write: nested, want: unreadable("too_deep")},

		{event: "plain", write: failed, want: accepted},
	}
}

// stream returns what the endless stream repeats: each example, followed by four ordinary
// events, because most real events are ordinary. With fewer, a tenth of all records would be
// unreadable, and the page would rightly say that a producer is broken.
func stream(examples []example) []example {
	ordinary := example{event: "plain", write: plain(text, failureCode), succeeds: true, want: accepted}
	var all []example
	for _, s := range examples {
		all = append(append(all, s), slices.Repeat([]example{ordinary}, 4)...)
	}
	return all
}

// alwaysFailing is an example whose calls all fail. It is given up when two of them (ten with
// --error-rate, see environment) have failed while MPC served nine in ten others. That takes
// half a minute, too long for --once. The endless stream begins with one. With more of them,
// MPC would no longer serve nine in ten.
func alwaysFailing() example {
	return example{
		event: "plain, always fails", write: plain(text, failureCode),
		script: []mpcsim.Step{mpcsim.Fail(500, "APIGW.0605").Repeat(mpcsim.Always)},
		want:   want{retryFailed, "attempts_exhausted", anyNumber, 0},
	}
}

// numberHeader marks the sandbox's events. Users may publish others to the topic.
const numberHeader = "sandbox-event"

// sent is an example with its task.
type sent struct {
	example
	number int
	task   string
}

// withTask returns the example as the nth event, with a new task.
func (s example) withTask(n int) *sent {
	task := fmt.Sprint(538526 + n)
	if s.long {
		task = "18446744073710" + task // 20 digits, beyond 64 bits
	}
	return &sent{example: s, number: n, task: task}
}

// success is MPC's notification that the task has succeeded.
func (s *sent) success() *sent {
	next := example{event: successEvent, write: notification("SUCCEED"), notice: "SUCCEED", want: want{kind: recovered, reason: "recovered", done: s.want.done}}
	return &sent{example: next, number: -1 - s.number, task: s.task}
}

const successEvent = "MPC: it succeeded"

// prepare registers the task with the simulator.
func (s *sent) prepare(mpc *mpcsim.Simulator) error {
	if err := mpc.SetTask(mpcsim.Task{ID: s.task, Status: s.status}); err != nil {
		return err
	}
	return mpc.Script(s.task, s.script...)
}

// record returns the event to publish.
func (s *sent) record() *kgo.Record {
	r := s.write(s.task)
	r.Headers = append(r.Headers, header(numberHeader, fmt.Sprint(s.number)))
	return r
}
