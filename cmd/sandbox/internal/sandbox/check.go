package sandbox

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// facts are what is known of an event when it is settled.
type facts struct {
	event  *kgo.Record // as read from the topic
	answer *answer     // nil: committed without one
	calls  int         // retry calls for the task, as the simulator counts
	done   int         // retries that the simulator carried out
	// lost: the answer to a retry that was carried out was lost. noQueries: state
	// queries were refused. In both cases the answer may be already_running.
	lost, noQueries bool
}

// problems lists what is not as the example expects it. With exact it also compares
// the number of calls, which faults make larger.
func (s *sent) problems(f facts, exact bool) []string {
	var all []string
	problem := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }

	if f.answer == nil {
		if s.want.kind != ignored {
			problem("it was committed without an answer; expected %s", s.want)
		}
		return all
	}
	a := f.answer
	if (a.kind != s.want.kind || a.reason != s.want.reason) && !s.mayBeRunning(f) {
		problem("expected %s", s.want)
	}
	if f.done != s.want.done {
		problem("MPC carried out %d retries; expected %d", f.done, s.want.done)
	}
	if exact && s.want.calls != anyNumber && f.calls != s.want.calls {
		problem("MPC saw %d calls; expected %d", f.calls, s.want.calls)
	}
	switch a.kind {
	case deadLetter:
		if difference := differenceOf(f.event, a.record); difference != "" {
			problem("the dead letter is not the event byte for byte: %s", difference)
		}
	default:
		if a.task != s.task {
			problem("the outcome is for task %s", a.task)
		}
		if exact && a.attempts != f.calls {
			problem("the outcome says %d attempts, MPC saw %d calls", a.attempts, f.calls)
		}
	}
	return all
}

// mayBeRunning reports whether already_running is right too: only the task's state
// shows that the call was accepted, or the state that explains a refusal is not known.
func (s *sent) mayBeRunning(f facts) bool {
	if f.answer.kind != retried || f.answer.reason != "already_running" {
		return false
	}
	explained := s.want.reason == "rejected" || s.want.reason == "not_retryable" && s.want.calls > 0
	return f.lost && s.want.reason == "accepted" || f.noQueries && explained
}

// differenceOf says how a dead letter differs from its event, except for the headers
// that the service adds. Empty: it does not differ.
func differenceOf(event, letter *kgo.Record) string {
	switch {
	case !same(event.Key, letter.Key):
		return fmt.Sprintf("key %q became %q", event.Key, letter.Key)
	case !same(event.Value, letter.Value):
		return fmt.Sprintf("value %.60q became %.60q", event.Value, letter.Value)
	case len(letter.Headers) != len(event.Headers)+len(deadLetterHeaders):
		return fmt.Sprintf("%d headers became %d", len(event.Headers), len(letter.Headers))
	}
	for i, h := range event.Headers {
		if got := letter.Headers[i]; got.Key != h.Key || !same(got.Value, h.Value) {
			return fmt.Sprintf("header %q became %q", h.Key, got.Key)
		}
	}
	for _, h := range letter.Headers[len(event.Headers):] {
		if !slices.Contains(deadLetterHeaders, h.Key) {
			return fmt.Sprintf("header %q was added", h.Key)
		}
	}
	return ""
}

// same compares bytes. As in Kafka, null is not empty.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// String describes the expected answer.
func (w want) String() string {
	switch w.kind {
	case retried:
		return "retried, " + w.reason
	case retryFailed:
		return "retry_failed, " + w.reason
	case deadLetter:
		return "a dead letter, " + w.reason
	case recovered:
		return "a recovery"
	}
	return "no answer: it is no failure"
}
