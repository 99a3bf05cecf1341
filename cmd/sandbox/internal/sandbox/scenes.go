package sandbox

import (
	"fmt"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// kind is where an answer goes.
type kind int

const (
	retried kind = iota
	retryFailed
	deadLetter
	ignored // no failure: committed without an answer
)

// skipCode is a failure code that the service is told not to retry: the input
// file is missing.
const skipCode = "MPC.10052"

// scene is one failure event, how MPC is disposed towards its task, and what
// must become of it.
type scene struct {
	event string // for the eye: what kind of event it is
	write shape
	long  bool // give it a task id beyond 64 bits
	// notice is the status in MPC's notification, which --smn sends through SMN.
	// Empty: the event is not MPC's own.
	notice string

	status mpcsim.Status // of the task; FAILED where empty
	script []mpcsim.Step // how MPC answers its first retries

	want want
}

// want is what must become of an event.
type want struct {
	kind   kind
	reason string // the outcome's reason, or the dead letter's
	// calls are the retry calls for the event, done those that MPC carried out.
	calls, done int
}

// several, as want.calls: how many depends on what else goes on.
const several = -1

var (
	accepted = want{retried, "accepted", 1, 1}
	// twice: the first call came to nothing.
	twice = want{retried, "accepted", 2, 1}
)

func refused(reason string) want { return want{retryFailed, reason, 1, 0} }

func unreadable(reason string) want { return want{kind: deadLetter, reason: reason} }

// scenes are played by --once in this order, and by the endless stream over and
// over with new tasks.
func scenes() []scene {
	failed := plain(text, failureCode)
	return []scene{
		{event: "plain", write: failed, want: accepted},
		{event: "plain, long number", write: plain(number, failureCode), long: true, want: accepted},
		{event: "CloudEvent", write: structured, want: accepted},
		{event: "CloudEvent, binary", write: binary, want: accepted},
		{event: "MPC notification", write: notification("FAILED"), notice: "FAILED", want: accepted},
		{event: "SMN envelope", write: envelope, notice: "FAILED", want: accepted},
		{event: "MPC: SUCCEED", write: notification("SUCCEED"), notice: "SUCCEED", want: want{kind: ignored}},

		{event: "plain", write: failed, script: []mpcsim.Step{mpcsim.Reset()}, want: twice},
		{event: "SMN envelope", write: envelope, notice: "FAILED", status: mpcsim.StatusProcessing, want: want{retried, "already_running", 1, 0}},

		{event: "plain", write: failed, script: []mpcsim.Step{mpcsim.Fail(403, "MPC.10212")}, want: refused("rejected")},
		{event: "plain, number", write: plain(number, failureCode), script: []mpcsim.Step{mpcsim.Fail(404, "MPC.10211")}, want: refused("task_not_found")},
		{event: "CloudEvent", write: structured, script: []mpcsim.Step{mpcsim.Lose()}, want: want{retried, "already_running", 1, 1}},
		{event: "SMN envelope", write: envelope, notice: "FAILED", script: []mpcsim.Step{mpcsim.Fail(400, "MPC.10202")}, want: refused("invalid_task")},
		{event: "CloudEvent", write: structured, status: mpcsim.StatusCanceled, want: refused("not_retryable")},
		{event: "plain, input missing", write: plain(text, skipCode), want: want{kind: retryFailed, reason: "not_retryable"}},
		{event: "MPC notification", write: notification("FAILED"), notice: "FAILED", script: []mpcsim.Step{mpcsim.Fail(503, "APIGW.0613")}, want: twice},

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

// stream is what the endless stream repeats: the scenes, with an ordinary event
// after each, because in life most are ordinary.
func stream(scenes []scene) []scene {
	ordinary := scene{event: "plain", write: plain(text, failureCode), want: accepted}
	var all []scene
	for _, s := range scenes {
		all = append(all, s, ordinary)
	}
	return all
}

// cursed is a task whose calls always fail. It is given up when two of them have
// failed while MPC served nine in ten others, which takes half a minute: too
// long for --once. The endless stream begins with one; more would not leave nine
// in ten that are served.
func cursed() scene {
	return scene{
		event: "plain, cursed task", write: plain(text, failureCode),
		script: []mpcsim.Step{mpcsim.Fail(500, "APIGW.0605").Repeat(mpcsim.Always)},
		want:   want{retryFailed, "attempts_exhausted", several, 0},
	}
}

// numberHeader tells the sandbox's own events from those that somebody else
// publishes to the topic.
const numberHeader = "sandbox-event"

// sent is a scene with its task, ready to be played.
type sent struct {
	scene
	number int
	task   string
}

// cast gives the scene its task: the nth event's.
func (s scene) cast(n int) *sent {
	task := fmt.Sprint(538526 + n)
	if s.long {
		task = "18446744073710" + task // 20 digits, beyond 64 bits
	}
	return &sent{scene: s, number: n, task: task}
}

// prepare tells MPC about the task.
func (s *sent) prepare(mpc *mpcsim.Simulator) error {
	if err := mpc.SetTask(mpcsim.Task{ID: s.task, Status: s.status}); err != nil {
		return err
	}
	return mpc.Script(s.task, s.script...)
}

// record is the event as it is published.
func (s *sent) record() *kgo.Record {
	r := s.write(s.task)
	r.Headers = append(r.Headers, header(numberHeader, fmt.Sprint(s.number)))
	return r
}
