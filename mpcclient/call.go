package mpcclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"time"
)

// request is an API request before credentials are added.
type request struct {
	operation string
	template  *http.Request
	query     string // canonical, sent as it is signed
	body      []byte
	// largest is how many bytes of a successful answer are read.
	largest int
}

// template is the common part of all requests of an operation.
func template(method string, u *url.URL, agent string) *http.Request {
	r := &http.Request{Method: method, URL: u, Host: u.Host, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{
		"User-Agent":      {agent},
		"Accept":          {"application/json"},
		"Accept-Encoding": {"identity"},
	}}
	if method == http.MethodPut {
		r.Header["Content-Type"] = []string{"application/json"}
	}
	return r
}

// answer is a response that was read to its end, or truncated if it is longer than
// expected. Its status is 0 if there was none.
type answer struct {
	status    int
	header    http.Header
	body      []byte
	truncated bool
}

var errTooLong = errors.New("it is longer than any answer of MPC")

// decode reads the body as JSON. A truncated body proves nothing: it may look complete.
func (a answer) decode(v any) error {
	if a.truncated {
		return errTooLong
	}
	return json.Unmarshal(a.body, v)
}

// call sends a request, and repeats it once if the API wants a newer token and one can be
// had. It returns the answer of a 2xx status, and an *Error for anything else.
func (c *Client) call(ctx context.Context, q request) (answer, *Error) {
	began := time.Now()
	r, a, failure := c.attempt(ctx, q)
	if failure == nil || c.renewer == nil || r == nil || !saysTokenRefused(failure) {
		c.noteAccepted(r, failure)
		return a, failure
	}
	ctx, cancel := context.WithDeadline(ctx, began.Add(c.callTimeout))
	defer cancel()
	switch err := c.renewer.renew(ctx, r); {
	case errors.Is(err, errRenewedJustNow):
		return a, failure
	case err != nil:
		return answer{}, c.unsent(q.operation, err)
	}
	if c.beforeRequest(ctx) != nil {
		return a, failure // the repeat may not be sent, so the refusal counts
	}
	r, a, failure = c.attempt(ctx, q)
	c.noteAccepted(r, failure)
	return a, failure
}

// noteAccepted tells a renewer which credentials work: only MPC's own answer about the
// request shows that.
func (c *Client) noteAccepted(r *http.Request, failure *Error) {
	if c.renewer != nil && r != nil && (failure == nil || !failure.Outage()) {
		c.renewer.accepted(r)
	}
}

// attempt sends a request. It returns the request if it got its credentials.
func (c *Client) attempt(ctx context.Context, q request) (*http.Request, answer, *Error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	var tracker sendTracker
	r, err := c.newRequest(tracker.track(ctx), q)
	if err == nil {
		err = ctx.Err()
	}
	if err != nil {
		return nil, answer{}, c.unsent(q.operation, err)
	}
	t := c.conns.choose(c.now())
	a, err := exchange(t, r, q.largest)
	// Only net/http's own transport tells reliably whether anything was written. With another
	// one the request counts as sent.
	unsent := a.status == 0 && !tracker.started && standard(t) != nil
	c.conns.ended(t, a.status != 0, a.status == 0 && !unsent && ctx.Err() == nil, c.now())
	switch {
	case a.status == 0:
		e := &Error{Operation: q.operation, Class: Transient, Err: c.describe(err), Advice: networkAdvice(err)}
		if !unsent {
			e.Class = c.lostAnswer(q.operation)
		}
		return r, answer{}, e
	case err != nil:
		e := c.judge(q.operation, a)
		if e.Status != http.StatusUnauthorized { // without the body it is unknown who answered
			e.Advice, e.Headline = "", ""
			if e.Class == Operator {
				e.Class = Transient
			}
		}
		e.Message, e.Err = "", fmt.Errorf("reading the answer: %w", c.describe(err))
		return r, answer{}, e
	case a.status/100 != 2:
		return r, answer{}, c.judge(q.operation, a)
	}
	return r, a, nil
}

// lostAnswer returns the class of a request whose answer is missing: Lost for a retry, which
// MPC may have executed; Transient for a query, which changes nothing. It also closes idle
// connections: the node may be going away, so the next request resolves the name again.
func (c *Client) lostAnswer(operation string) Class {
	c.CloseIdle()
	if operation == OperationRetry {
		return Lost
	}
	return Transient
}

func (c *Client) newRequest(ctx context.Context, q request) (*http.Request, error) {
	r := q.template.WithContext(ctx)
	r.Header = maps.Clone(r.Header)
	setBody(r, q.body)
	if q.query != "" {
		u := *r.URL
		u.RawQuery = q.query
		r.URL = &u
	}
	return r, c.auth.authorize(ctx, r, payload{c.projectID, q.body, c.now()})
}

// unsent is the error of a request that was not sent: a failed login's error unchanged,
// otherwise a temporary error.
func (c *Client) unsent(operation string, err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return &Error{Operation: operation, Class: Transient, Err: c.describe(err)}
}

// describe adds how long the call waited, if time ran out, and redacts credentials.
func (c *Client) describe(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no complete answer within %s (or the caller's own deadline): %w", c.timeout, err)
	}
	return redactError(err, c.secrets)
}
