package mpcsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// End is how an exchange ends.
type End string

const (
	EndAnswer End = ""      // an answer is sent
	EndClose  End = "close" // the connection is closed without an answer
	EndReset  End = "reset" // the connection is reset (TCP RST; over HTTP/2 the stream)
	EndHang   End = "hang"  // no answer until the client gives up or the server closes
)

// Always as a step's Times applies the step to every further request.
const Always = -1

// Step is one scripted reaction to a request. The zero value is the ordinary
// behaviour. The functions below return other usual ones.
type Step struct {
	// Execute carries out the operation first.
	Execute bool `json:"execute,omitempty"`
	// End is how the exchange ends.
	End End `json:"end,omitempty"`
	// Status replaces the operation's answer. 0 sends the operation's own answer, and the
	// fields from Code to RetryAfter have no effect.
	Status int `json:"status,omitempty"`
	// Code and Message make an error in MPC's JSON shape.
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	// ContentType and Body are sent as they are if Code is empty.
	ContentType string `json:"content_type,omitempty"`
	Body        string `json:"body,omitempty"`
	// RetryAfter is sent as a header, in whole seconds rounded up. 0 sends none.
	RetryAfter time.Duration `json:"-"`
	// Delay is the time between Execute and the end. Defaults to none.
	Delay time.Duration `json:"-"`
	// Times is how many requests the step is used for: 0 means one, Always all.
	Times int `json:"times,omitempty"`
}

// Fail answers with an error in MPC's JSON shape, without effect.
func Fail(status int, code string) Step {
	return Step{Status: status, Code: code, Message: "Refused by the simulator's script."}
}

// Raw answers with any body, without effect.
func Raw(status int, contentType, body string) Step {
	return Step{Status: status, ContentType: contentType, Body: body}
}

// Slow behaves as usual, but answers after d.
func Slow(d time.Duration) Step { return Step{Delay: d} }

// Lose carries out the operation and closes the connection without an answer.
func Lose() Step { return Step{Execute: true, End: EndClose} }

// Reset resets the connection, without effect.
func Reset() Step { return Step{End: EndReset} }

// Hang never answers and has no effect.
func Hang() Step { return Step{End: EndHang} }

// Executed returns the step with the operation carried out first, such as a gateway's
// 504 for a retry that MPC has accepted.
func (s Step) Executed() Step { s.Execute = true; return s }

// Repeat returns the step for n requests, or Always for all.
func (s Step) Repeat(n int) Step { s.Times = n; return s }

// ordinary reports whether the operation's own answer is sent.
func (s Step) ordinary() bool { return s.End == EndAnswer && s.Status == 0 }

func (s Step) executes() bool { return s.Execute || s.ordinary() }

func (s Step) validate() error {
	switch s.End {
	case EndAnswer, EndClose, EndReset, EndHang:
	default:
		return fmt.Errorf("end is %q: expected close, reset, hang or nothing", s.End)
	}
	if s.Status != 0 && (s.Status < 200 || s.Status > 599) {
		return fmt.Errorf("status is %d: expected 200 to 599", s.Status)
	}
	if s.Times < Always || s.Delay < 0 || s.RetryAfter < 0 {
		return fmt.Errorf("times, delay and retry_after may not be negative (except times: -1 means always)")
	}
	return nil
}

// replace returns the step's answer, or the operation's if the step has none.
func (s Step) replace(a answer) answer {
	if s.Status == 0 {
		return a
	}
	out := answer{status: s.Status, contentType: s.ContentType, body: []byte(s.Body), retryAfter: s.RetryAfter}
	if s.Code != "" {
		out = apiError(s.Status, s.Code, s.Message)
		out.retryAfter = s.RetryAfter
	}
	return out
}

// describe completes the record of a request. A request that was carried out is
// Accepted; others get their verdict from what the client sees.
func (s Step) describe(seen *Request, d decision, gone bool) {
	seen.Lost = gone || s.End != EndAnswer
	if !seen.Lost {
		seen.Status, seen.Code = d.answer.status, d.answer.code
	}
	switch {
	case d.accepted:
		seen.Verdict = Accepted
	case s.End != EndAnswer, d.answer.code == "" && seen.Operation != Login, d.answer.status >= http.StatusInternalServerError:
		seen.Verdict = Faulty
	default:
		seen.Verdict = Refused
	}
}

// stepJSON has the durations, written as Go does ("250ms").
type stepJSON struct {
	RetryAfter duration `json:"retry_after,omitempty"`
	Delay      duration `json:"delay,omitempty"`
}

// MarshalJSON writes durations as text.
func (s Step) MarshalJSON() ([]byte, error) {
	type plain Step
	return json.Marshal(struct {
		plain
		stepJSON
	}{plain(s), stepJSON{duration(s.RetryAfter), duration(s.Delay)}})
}

// UnmarshalJSON reads what MarshalJSON writes, refuses unknown fields and validates.
func (s *Step) UnmarshalJSON(data []byte) error {
	type plain Step
	var in struct {
		plain
		stepJSON
	}
	if err := strictJSON(data, &in); err != nil {
		return err
	}
	*s = Step(in.plain)
	s.RetryAfter, s.Delay = time.Duration(in.stepJSON.RetryAfter), time.Duration(in.stepJSON.Delay)
	return s.validate()
}
