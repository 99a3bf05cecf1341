// Package codes explains MPC's and the API gateway's codes to an operator, and what the
// service does after each. It is the documentation behind `explain`. The behaviour itself is
// in mpcclient and retrier; a test compares this table with mpcclient's classification.
//
// It decides nothing. Only package command imports it.
//
//	codes.go    lookup
//	answers.go  codes in answers to a call of the API
//	failures.go codes of failed tasks
package codes

import (
	"regexp"
	"strings"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

// Place is where a code occurs.
type Place string

// The places.
const (
	// Answer: MPC's API or its gateway answers a call with the code.
	Answer Place = "answer"
	// Failure: a failed task has the code, as its failure event says.
	Failure Place = "failure"
	// Reason: an outcome has it as its reason. Defect: a dead letter has it.
	Reason Place = "reason"
	Defect Place = "dead_letter"
)

// Code explains one code. The JSON is stable.
type Code struct {
	Code  string `json:"code"`
	Place Place  `json:"place"`
	// Meaning is what the code means.
	Meaning string `json:"meaning"`
	// Service is what the service does then.
	Service string `json:"service"`
	// Advice is what an operator can do; empty: nothing.
	Advice string `json:"operator,omitempty"`
	// Class is how mpcclient classifies an Answer with it. 0: the HTTP status decides, or
	// the code is not in an Answer.
	Class mpcclient.Class `json:"-"`
	// RetryUseless: a retry cannot fix a Failure with this code until an operator has changed
	// something, so the code belongs in RETRY_SKIP_CODES.
	RetryUseless bool `json:"retry_useless,omitempty"`
}

// form matches codes. Older gateways write APIGW instead of APIG.
var form = regexp.MustCompile(`^(MPC|APIG|APIGW)\.[0-9]{1,6}$`)

// Lookup returns the explanation of a code, in any letter case, or the rule for unknown
// codes. It also explains the reasons of outcomes and dead letters, as they are written. It
// returns false for any other text.
func Lookup(text string) (Code, bool) {
	code := strings.ToUpper(text)
	if !form.MatchString(code) {
		return word(text)
	}
	known := code
	if number, ok := strings.CutPrefix(code, "APIGW."); ok {
		known = "APIG." + number
	}
	for _, c := range All() {
		if c.Code == known {
			c.Code = code
			return c, true
		}
	}
	if strings.HasPrefix(code, "MPC.") {
		return Code{
			Code: code, Place: Answer,
			Meaning: "A code that this version does not know.",
			Service: "In an answer with a 4xx status it counts as a refusal of this task: the service queries the task's state, which decides the outcome; FAILED leads to rejected. In a failed task it changes nothing: the service asks for a retry unless RETRY_SKIP_CODES has the code.",
			Advice:  "Look it up in the vendor's list of error codes.",
		}, true
	}
	return Code{
		Code: code, Place: Answer,
		Meaning: "A code of the API gateway that this version does not know.",
		Service: "The HTTP status decides: 429 is throttling; 503 ends by itself; after another 5xx the call may have been executed, so the service queries the task's state; any other 4xx is an outage that an operator must end. In an outage no event fails; all stay queued.",
		Advice:  "Look it up in the vendor's list of API gateway error codes; the log has the gateway's message and request id.",
	}, true
}

// about says what an operator can do after an outcome, if its message does not.
var about = map[events.Reason]string{
	events.Accepted:        "Nothing: MPC runs the task again. If it fails again, there will be a new failure event.",
	events.Expired:         "If the retry is still wanted, request it with `remux-retrier retry`. Find out why the event came so late, or waited so long.",
	events.BudgetExhausted: "Find out why the task keeps failing. Once the cause is fixed, use `remux-retrier retry --force`.",
}

// word explains the reasons of outcomes and dead letters, which are in topics, logs and
// metrics beside MPC's codes. It returns false for any other text.
func word(text string) (Code, bool) {
	for _, r := range events.Reasons() {
		if string(r) == text {
			return Code{
				Code: text, Place: Reason, Meaning: r.Message(),
				Service: "The failure event is answered " + string(r.Kind()) + " with this reason. There will be no further call for it.",
				Advice:  about[r],
			}, true
		}
	}
	for _, d := range events.Defects() {
		if string(d) == text {
			return Code{
				Code: text, Place: Defect, Meaning: d.Meaning(),
				Service: "The record goes to the dead-letter topic, with headers that say why: unchanged or, if it is too large, as a reference to its position. There is no call for it.",
				Advice:  "Fix the producer. For this record, find the task and use `remux-retrier retry`. `remux-retrier redrive` writes the record back unchanged, so it helps only once the service can read it.",
			}, true
		}
	}
	return Code{}, false
}

// All lists the codes of answers and of failed tasks.
func All() []Code { return append(answers(), failures()...) }

// RetryUseless lists the codes of failed tasks that a retry cannot fix: the recommended
// RETRY_SKIP_CODES.
func RetryUseless() []string {
	var list []string
	for _, c := range failures() {
		if c.RetryUseless {
			list = append(list, c.Code)
		}
	}
	return list
}
