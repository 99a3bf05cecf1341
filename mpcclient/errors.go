package mpcclient

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Class says what a failed call means for the task it was made for.
type Class int

const (
	// Ambiguous: MPC refused, and only the task's state says why (it may be running already).
	Ambiguous Class = iota + 1
	// TaskNotFound: MPC says that the task does not exist.
	TaskNotFound
	// InvalidTask: MPC says that the task's id, parameters or input are invalid.
	InvalidTask
	// Refused: any other refusal of this very request.
	Refused
	// Throttled: the tenant's quota or the API's overall limit is used up. An outage.
	Throttled
	// Operator: somebody has to act (credentials, account, network path) before any call can succeed. An outage.
	Operator
	// Transient: the call was not executed, and a later one may succeed. An outage.
	Transient
	// Lost: the call may have been executed; ask for the task's state before calling again. An outage.
	Lost
)

var classNames = [...]string{
	Ambiguous:    "ambiguous",
	TaskNotFound: "task_not_found",
	InvalidTask:  "invalid_task",
	Refused:      "refused",
	Throttled:    "throttled",
	Operator:     "operator",
	Transient:    "transient",
	Lost:         "lost",
}

// String gives a name fit for a metric's label.
func (c Class) String() string {
	if c < Ambiguous || int(c) >= len(classNames) {
		return "class(" + strconv.Itoa(int(c)) + ")"
	}
	return classNames[c]
}

// ClassOf is the class of a retry's answer with this HTTP status and error_code,
// which is no success.
func ClassOf(status int, code string) Class { return classify(status, code, "").class }

// Operations as they stand in [Error.Operation].
const (
	OperationRetry = "retry"
	OperationQuery = "query"
	OperationList  = "list"
	OperationLogin = "login" // fetching a user token from IAM, or temporary keys from the metadata service
)

// Error is a call that did not do what it was meant to do.
type Error struct {
	// Operation is what was attempted: OperationRetry, OperationQuery, OperationList, or OperationLogin when the call was never
	// sent because there were no credentials for it.
	Operation string
	// Class is what it means.
	Class Class
	// Status is the answer's HTTP status, 0 when none came.
	Status int
	// Code and Message are the answer's error_code and error_msg; Message is a short extract of the body when the
	// answer was no API error. Credentials that the answer echoes are blanked out.
	Code, Message string
	// RequestID identifies the request to the vendor's support.
	RequestID string
	// RetryAfter is how long not to call: what the answer's Retry-After said (an hour at most), or the time until
	// the next login is safe. 0 when nothing is known.
	RetryAfter time.Duration
	// Advice tells an operator in a sentence what to do; empty when there is nothing to do.
	Advice string
	// Headline says the same in a few words: what is wrong, a colon, what to do; empty when nobody has to act, or no such
	// words are known.
	Headline string
	// Err is the cause where there was no usable answer: a network error, a context's error.
	Err error

	from string // who was asked for credentials, if not IAM
}

// Outage says that the error tells nothing about the task: the work waits, and no event is decided by it.
func (e *Error) Outage() bool {
	switch e.Class {
	case Throttled, Operator, Transient, Lost:
		return true
	}
	return false
}

// Forbidden says that the credentials were understood but lack the permission for this one operation; others may be
// permitted. Known by HTTP 403 with APIG(W).0302, 0304 or 0306, or with a code of no other known meaning whose
// error_msg speaks of a policy, a permission or an authorization (a code of MPC's own: of a policy that does not allow
// it, or of the permission's name). A 403 without an error_code, such as a firewall's page, is never taken for it.
func (e *Error) Forbidden() bool {
	return e.Status == http.StatusForbidden && lacksPermission(e.Code, e.Message)
}

// Error names the operation, the answer or its absence, and the advice.
func (e *Error) Error() string {
	var b strings.Builder
	switch {
	case e.from != "":
		b.WriteString(e.from)
	case e.Operation == OperationLogin:
		b.WriteString("IAM login")
	default:
		b.WriteString("MPC " + e.Operation)
	}
	b.WriteString(": " + e.Class.String())
	if e.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d", e.Status)
	}
	if e.Code != "" {
		b.WriteString(" " + e.Code)
	}
	if e.Message != "" {
		fmt.Fprintf(&b, " %q", e.Message)
	}
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.RequestID != "" {
		b.WriteString(" (request id " + e.RequestID + ")")
	}
	if e.Advice != "" {
		b.WriteString(": " + e.Advice)
	}
	return b.String()
}

// quiet is a cause whose text, which may quote what a server sent, is without credentials and fit for a log line.
type quiet struct {
	text  string
	cause error
}

func quieted(err error, secrets blanker) error { return &quiet{clean(err.Error(), secrets), err} }

func (q *quiet) Error() string { return q.text }
func (q *quiet) Unwrap() error { return q.cause }

// Unwrap gives the cause, so that errors.Is finds context.Canceled and its like.
func (e *Error) Unwrap() error { return e.Err }
