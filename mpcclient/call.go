package mpcclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
)

// request is an API request before credentials are added.
type request struct {
	operation string
	method    string
	query     url.Values
	body      []byte
	// largest is how much of a success is read.
	largest int
}

// answer is a response that was read to its end, or was cut where it is longer than anything expected.
type answer struct {
	status int
	header http.Header
	body   []byte
	cut    bool
}

var errCut = errors.New("it is longer than MPC's answers are")

// decode reads the body as JSON. The beginning of a longer one proves nothing: it may look whole.
func (a answer) decode(v any) error {
	if a.cut {
		return errCut
	}
	return json.Unmarshal(a.body, v)
}

// call sends a request, and once more when the API wants a newer token and there is one to be had. It gives the answer
// of a 2xx status, and an *Error for anything else.
func (c *Client) call(ctx context.Context, q request) (answer, *Error) {
	r, a, failure := c.attempt(ctx, q)
	if failure == nil || c.renewer == nil || r == nil || !saysTokenRefused(failure) {
		c.noteProven(r, failure)
		return a, failure
	}
	switch err := c.renewer.renew(ctx, r); {
	case errors.Is(err, errRenewedJustNow):
		return a, failure
	case err != nil:
		return answer{}, c.unsent(q.operation, err)
	}
	if c.beforeRequest(ctx) != nil {
		return a, failure // no turn for a repeat: the refusal stands
	}
	r, a, failure = c.attempt(ctx, q)
	c.noteProven(r, failure)
	return a, failure
}

// noteProven tells a renewer which credentials work: only an answer of MPC's own about the request says so.
func (c *Client) noteProven(r *http.Request, failure *Error) {
	if c.renewer != nil && r != nil && (failure == nil || !failure.Outage()) {
		c.renewer.proven(r)
	}
}

// attempt sends a request. The request comes back if it got its credentials.
func (c *Client) attempt(ctx context.Context, q request) (*http.Request, answer, *Error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var s sending
	r, err := c.newRequest(s.trace(ctx, c.transport), q)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, answer{}, c.unsent(q.operation, err)
	}
	a, err := exchange(c.transport, r, q.largest)
	switch {
	case a == nil:
		e := &Error{Operation: q.operation, Class: Transient, Err: c.describe(err), Advice: networkAdvice(err)}
		if q.operation == OperationRetry && s.mayHaveBeenSent() {
			e.Class = Lost
		}
		return r, answer{}, e
	case err != nil:
		e := c.judge(q.operation, *a)
		if e.Status != http.StatusUnauthorized { // without the body nobody knows who else spoke
			e.Advice = ""
			if e.Class == Operator {
				e.Class = Transient
			}
		}
		e.Message, e.Err = "", fmt.Errorf("reading the answer: %w", c.describe(err))
		return r, answer{}, e
	case a.status/100 != 2:
		return r, answer{}, c.judge(q.operation, *a)
	}
	return r, *a, nil
}

func (c *Client) newRequest(ctx context.Context, q request) (*http.Request, error) {
	u := *c.remux
	u.RawQuery = canonicalQuery(q.query) // sent as it is signed
	r, err := http.NewRequestWithContext(ctx, q.method, u.String(), bytes.NewReader(q.body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("User-Agent", c.userAgent)
	r.Header.Set("Accept", "application/json")
	if q.body != nil {
		r.Header.Set("Content-Type", "application/json")
	} else {
		once(r)
	}
	return r, c.auth.authorize(ctx, r, payload{c.projectID, q.body, c.now()})
}

// unsent is the error of a request that did not leave: IAM's refusal as it is, or else something that will pass.
func (c *Client) unsent(operation string, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Operation: operation, Class: Transient, Err: c.describe(err)}
}

// describe says how long the call waited, where time ran out, and nothing of the credentials.
func (c *Client) describe(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no complete answer within %s (or the caller's own deadline): %w", c.timeout, err)
	}
	return quieted(err, c.auth)
}
