package sandbox

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/twmb/franz-go/pkg/kgo"
)

// facts are what is known of an event when it is settled.
type facts struct {
	event  *kgo.Record // as it stands in the topic
	answer *answer     // nil: committed without one
	calls  int         // the simulator's ledger: retry calls for the task
	done   int         // and those that it carried out
	// lost: the answer to one that it carried out was lost; blind: states could
	// not be asked for. The answer may then be already_running.
	lost, blind bool
}

// complaints says what is not as the scene wants it. exact compares the number
// of calls too, which faults for everybody make larger.
func (s *sent) complaints(f facts, exact bool) []string {
	var all []string
	complain := func(format string, args ...any) { all = append(all, fmt.Sprintf(format, args...)) }

	if f.answer == nil {
		if s.want.kind != ignored {
			complain("it was committed without an answer; expected %s", s.want)
		}
		return all
	}
	a := f.answer
	if (a.kind != s.want.kind || a.reason != s.want.reason) && !s.mayRun(f) {
		complain("expected %s", s.want)
	}
	if f.done != s.want.done {
		complain("MPC carried out %d retries; expected %d", f.done, s.want.done)
	}
	if exact && s.want.calls != several && f.calls != s.want.calls {
		complain("MPC saw %d calls; expected %d", f.calls, s.want.calls)
	}
	switch a.kind {
	case deadLetter:
		if difference := unlike(f.event, a.record); difference != "" {
			complain("the dead letter is not the event byte for byte: %s", difference)
		}
	default:
		if a.task != s.task {
			complain("the outcome is for task %s", a.task)
		}
		if exact && a.tries != f.calls {
			complain("the outcome says %d attempts, MPC saw %d calls", a.tries, f.calls)
		}
	}
	return all
}

// mayRun tells whether already_running is as good an answer as the scene's own:
// the call that was accepted is known by the task's state only, or the state that
// would explain a refusal is not known.
func (s *sent) mayRun(f facts) bool {
	if f.answer.kind != retried || f.answer.reason != "already_running" {
		return false
	}
	explained := s.want.reason == "rejected" || s.want.reason == "not_retryable" && s.want.calls > 0
	return f.lost && s.want.reason == "accepted" || f.blind && explained
}

// unlike says how a dead letter differs from its event, beyond the headers that
// it must have in addition; empty if it does not.
func unlike(event, letter *kgo.Record) string {
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

// same tells null from empty, as Kafka does.
func same(a, b []byte) bool { return (a == nil) == (b == nil) && bytes.Equal(a, b) }

// String says what is wanted, for a complaint.
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
	return "no answer, for it is no failure"
}
