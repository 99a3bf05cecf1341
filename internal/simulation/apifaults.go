package simulation

import (
	"slices"
	"time"

	"remux-retrier/mpcclient"
)

// apiFaults is the state of MPC's API.
type apiFaults struct {
	name string
	// Shares of requests that are answered 503, 429, and 401, which an operator must fix.
	down, throttled, operator float64
	// Connections that end before, or after, the request was executed.
	lostBefore, lostAfter float64
	// Gateways that answer 500, 502 or 504 although the request was executed, and those
	// with a code that proves that it was not.
	badGateway, notPassedOn float64
	// Requests that take longer than the caller waits.
	hang       float64
	slow       time.Duration // the longest way of a request, or of its answer
	retryAfter time.Duration
}

// normal is the API without faults.
var normal = apiFaults{name: "normal", slow: 200 * time.Millisecond}

// apiFaultKinds are the faults of the API. One lasts for a while.
var apiFaultKinds = []apiFaults{
	{name: "down", down: 1, slow: 50 * time.Millisecond},
	{name: "shaky", down: 0.3, slow: 500 * time.Millisecond},
	{name: "throttling", throttled: 0.6, slow: 50 * time.Millisecond},
	{name: "throttling with Retry-After", throttled: 0.3, slow: 50 * time.Millisecond, retryAfter: 3 * time.Second},
	{name: "refusing the credentials", operator: 1, slow: 50 * time.Millisecond},
	{name: "losing answers", lostBefore: 0.25, lostAfter: 0.25, slow: 500 * time.Millisecond},
	{name: "hanging", hang: 0.9, slow: 500 * time.Millisecond},
	{name: "slow", hang: 0.1, slow: 3 * time.Second},
	{name: "behind a bad gateway", badGateway: 0.6, slow: 200 * time.Millisecond},
	{name: "not reached by its gateway", notPassedOn: 0.6, slow: 100 * time.Millisecond},
}

// requestResult is what happens to one request.
type requestResult struct {
	arrives, returns time.Duration // duration there and back
	refusal          *mpcclient.Error
	carriedOut       bool // in spite of the refusal
	lost             bool // no answer arrives
	nothing          bool // it never arrives
}

// drawResult draws what happens to the next request.
func (w *world) drawResult(operation string) requestResult {
	now, r := w.mpc.faults, w.rand
	f := requestResult{arrives: between(r, time.Millisecond, now.slow), returns: between(r, time.Millisecond, now.slow)}
	fails := func(status int, code string) {
		f.refusal = refusal(operation, status, code)
		f.refusal.RetryAfter = now.retryAfter
	}
	switch dice := r.Float64(); {
	case dice < now.down:
		fails(503, "")
	case dice < now.throttled:
		fails(429, "APIGW.0308")
		w.mpc.throttledAt = w.s.now
	case dice < now.operator:
		fails(401, "APIGW.0301")
	case dice < now.badGateway:
		fails([]int{500, 502, 504}[r.IntN(3)], []string{"", "APIG.0201"}[r.IntN(2)])
		f.carriedOut = r.IntN(4) > 0
	case dice < now.notPassedOn:
		fails(500+2*r.IntN(2), notPassedOn[r.IntN(len(notPassedOn))])
	case dice < now.lostBefore:
		f.lost, f.nothing = true, true
	case dice < now.lostBefore+now.lostAfter:
		f.lost = true
	case dice < now.hang:
		// It is executed late, perhaps after the caller has given up, or never.
		f.arrives, f.nothing = between(r, 0, 2*w.timeout), r.IntN(2) == 0
		if f.nothing {
			f.returns = w.timeout + time.Hour
		}
	}
	return f
}

// notPassedOn are gateway codes that prove that the request was not executed.
var notPassedOn = []string{"APIG.0605", "APIGW.0606", "APIG.0613", "APIG.0705"}

// refusal is an unsuccessful answer, as the client returns it.
func refusal(operation string, status int, code string) *mpcclient.Error {
	e := &mpcclient.Error{Operation: operation, Class: mpcclient.ClassOf(status, code), Status: status, Code: code}
	if e.Class == mpcclient.Lost && operation == mpcclient.OperationQuery {
		e.Class = mpcclient.Transient // it changes nothing
	}
	return e
}

// tooMany is the API's refusal of a request above the limit.
func tooMany(operation string) *mpcclient.Error { return refusal(operation, 429, "APIGW.0308") }

// inDoubt: a caller with this answer does not know whether MPC has executed the request. It
// does not depend on the client's own classification.
func inDoubt(e *mpcclient.Error) bool {
	answered := e.Status == 500 || e.Status == 502 || e.Status == 504
	return e.Status == 0 || answered && !slices.Contains(notPassedOn, e.Code)
}

// throttles: requests were refused recently because of the rate, so the instances send
// fewer than the quota allows.
func (w *world) throttles() bool {
	return w.mpc.throttledAt > 0 && w.s.now-w.mpc.throttledAt < 2*time.Minute
}
