package mpcclient

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Class is what a failed call means for its task.
type Class int

const (
	// Ambiguous: MPC refused, and only the task's state tells why (it may be running
	// already).
	Ambiguous Class = iota + 1
	// TaskNotFound: MPC says that the task does not exist.
	TaskNotFound
	// InvalidTask: MPC says that the task's id, parameters or input are invalid.
	InvalidTask
	// Refused: any other refusal of this request.
	Refused
	// Throttled: the tenant's quota or the API's overall limit is used up. Like the classes
	// below it says nothing about the task, see [Error.Outage].
	Throttled
	// Operator: an operator must act (credentials, account, network path) before any call
	// can succeed.
	Operator
	// Transient: the call was not executed, and a later one may succeed.
	Transient
	// Lost: the call may have been executed; query the task's state before calling again.
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

// String returns a name that is suitable as a metric label.
func (c Class) String() string {
	if c < Ambiguous || int(c) >= len(classNames) {
		return "class(" + strconv.Itoa(int(c)) + ")"
	}
	return classNames[c]
}

// ClassOf is the class of an unsuccessful answer to a retry, with this HTTP status and
// error_code.
func ClassOf(status int, code string) Class { return classify(status, code, "").class }

// Values of [Error.Operation].
const (
	OperationRetry = "retry"
	OperationQuery = "query"
	OperationList  = "list"
	OperationLogin = "login" // fetching a user token from IAM, or temporary keys from the metadata service
)

// Error is the error of a failed call.
type Error struct {
	// Operation is what was attempted: OperationRetry, OperationQuery, OperationList, or
	// OperationLogin if the call was not sent because there were no credentials.
	Operation string
	// Class is what the error means.
	Class Class
	// Status is the answer's HTTP status, 0 without an answer.
	Status int
	// Code and Message are the answer's error_code and error_msg. If the answer is not an
	// API error, Message is a short excerpt of its body. Credentials in the answer are
	// redacted.
	Code, Message string
	// RequestID identifies the request for the vendor's support.
	RequestID string
	// RetryAfter is how long not to call: the answer's Retry-After (at most an hour), or
	// the time until the next safe login. 0 if unknown.
	RetryAfter time.Duration
	// Advice tells an operator in one sentence what to do; empty if there is nothing to do.
	Advice string
	// Headline says the same in a few words: what is wrong, a colon, what to do. Empty if
	// an operator need not act, or if there is no short form.
	Headline string
	// Err is the cause if there was no usable answer: a network error or a context's error.
	Err error

	from string // who was asked for credentials, if not IAM
}

// Outage reports whether the error says nothing about the task: the work waits, and no
// event is decided because of it. That includes Throttled, which package pace does not count
// as an outage.
func (e *Error) Outage() bool {
	switch e.Class {
	case Throttled, Operator, Transient, Lost:
		return true
	}
	return false
}

// Forbidden reports whether the credentials are valid but lack the permission for this
// operation; others may be permitted. It is recognized by HTTP 403 with APIG(W).0302, 0304
// or 0306, or with a code without another known meaning and an error_msg about a policy, a
// permission or an authorization. For MPC's own codes the error_msg must say that a policy
// does not allow it, or contain the permission's name. A 403 without an error_code, such as
// a firewall's page, does not count.
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

// redactedError is an error whose text, which may quote a server, is free of credentials
// and fit for a log line.
type redactedError struct {
	text  string
	cause error
}

func redactError(err error, secrets redactor) error {
	return &redactedError{clean(err.Error(), secrets), err}
}

// unquoted is redactError for an answer that contains new credentials, which cannot be
// redacted yet. net/http quotes what it cannot read, so only errors of the network, or from
// before an answer, are shown.
func unquoted(err error, secrets redactor) error {
	var network net.Error
	known := errors.As(err, &network) || strings.HasPrefix(err.Error(), "tls: ")
	for _, cause := range []error{io.EOF, io.ErrUnexpectedEOF, context.Canceled, errProxy, errProxyURL} {
		known = known || errors.Is(err, cause)
	}
	if !known {
		return errUnreadable
	}
	return redactError(err, secrets)
}

var errUnreadable = errors.New("the answer is no HTTP")

func (q *redactedError) Error() string { return q.text }
func (q *redactedError) Unwrap() error { return q.cause }

// Unwrap returns the cause, so that errors.Is finds context.Canceled and similar errors.
func (e *Error) Unwrap() error { return e.Err }
