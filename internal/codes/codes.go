// Package codes says what MPC's and the API gateway's codes mean to a person,
// and what the service does about each. It is the documentation behind `explain`;
// what the service really does is decided in mpcclient and retrier, and a test
// holds this table to mpcclient's classification.
//
// It decides nothing. The commands and the operator's page import it.
//
//	codes.go    looking up
//	answers.go  codes in answers to a call of the API
//	failures.go codes of failed tasks
package codes

import (
	"regexp"
	"strings"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

// Place is where a code is met.
type Place string

// The places.
const (
	// Answer: MPC's API or the gateway before it answers a call with the code.
	Answer Place = "answer"
	// Failure: a failed task has the code, and its failure event brings it.
	Failure Place = "failure"
	// Reason: an outcome has it. Defect: a dead letter has it.
	Reason Place = "reason"
	Defect Place = "dead_letter"
)

// Code is what there is to say of one code. The JSON is stable.
type Code struct {
	Code  string `json:"code"`
	Place Place  `json:"place"`
	// Meaning is what the code says.
	Meaning string `json:"meaning"`
	// Service is what the service does about it.
	Service string `json:"service"`
	// Operator is what a person can do; empty: nothing, or nothing is needed.
	Operator string `json:"operator,omitempty"`
	// Class is how mpcclient classifies an Answer with it; 0 where that depends
	// on the HTTP status, and elsewhere.
	Class mpcclient.Class `json:"-"`
	// Useless: a retry cannot fix a Failure with this code until somebody has
	// changed something, so that it belongs into RETRY_SKIP_CODES.
	Useless bool `json:"retry_useless,omitempty"`
}

// form is how codes look. Gateways of different age write APIG or APIGW.
var form = regexp.MustCompile(`^(MPC|APIG|APIGW)\.[0-9]{1,6}$`)

// Lookup finds a code, in any case, or the rule for codes that are not known.
// It is false for what does not look like a code.
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
			Meaning:  "A code that this version does not know.",
			Service:  "In an answer with a 4xx status it counts as a refusal of this very task: the task's state is asked for, and settles it; FAILED leads to the outcome rejected. In a failed task it changes nothing: the retry is called, unless RETRY_SKIP_CODES has the code.",
			Operator: "Look it up in the vendor's list of error codes.",
		}, true
	}
	return Code{
		Code: code, Place: Answer,
		Meaning:  "A code of the API gateway that this version does not know.",
		Service:  "It goes by the HTTP status: 429 is throttling, 503 passes by itself, after another 5xx the call may have been executed and the task's state is asked for, any other 4xx is an outage that an operator must end. No event is answered because of it.",
		Operator: "Look it up in the vendor's list of API gateway error codes; the log has the gateway's message and request id.",
	}, true
}

// about is what a person can do after an outcome, where its message does not say.
var about = map[events.Reason]string{
	events.Accepted:        "Nothing: MPC works on the task again. If it fails again, a new failure event comes.",
	events.Expired:         "Ask for it again with `remux-retrier retry` if the retry is still wanted; and find out why the event came so late, or waited so long.",
	events.BudgetExhausted: "Find out why the task keeps failing; once the cause is fixed, `remux-retrier retry --force`.",
}

// word finds the reasons of outcomes and dead letters, which stand in topics,
// logs and metrics beside MPC's codes.
func word(text string) (Code, bool) {
	for _, r := range events.Reasons() {
		if string(r) == text {
			return Code{
				Code: text, Place: Reason, Meaning: r.Message(),
				Service:  "The failure event is answered " + string(r.Kind()) + " with this reason, and is done with.",
				Operator: about[r],
			}, true
		}
	}
	for _, d := range events.Defects() {
		if string(d) == text {
			return Code{
				Code: text, Place: Defect, Meaning: d.Meaning(),
				Service:  "The record goes to the dead-letter topic as it came, with headers that say so; it is never called for.",
				Operator: "Mend the producer; for this record, find the task and use `remux-retrier retry`. `remux-retrier redrive` helps only once the service can read the record, for it goes back as it came.",
			}, true
		}
	}
	return Code{}, false
}

// All lists the codes of answers and of failed tasks.
func All() []Code { return append(answers(), failures()...) }

// Useless lists the codes of failed tasks that a retry cannot fix: what
// RETRY_SKIP_CODES should be.
func Useless() []string {
	var list []string
	for _, c := range failures() {
		if c.Useless {
			list = append(list, c.Code)
		}
	}
	return list
}
