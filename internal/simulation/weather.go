package simulation

import (
	"slices"
	"time"

	"remux-retrier/mpcclient"
)

// weather is how MPC's API is doing.
type weather struct {
	name string
	// So many of the requests fail in this way.
	down, throttled, operator float64
	// Connections that end before, or after, the request was carried out.
	lostBefore, lostAfter float64
	// Gateways that answer 500, 502 or 504 though the request was carried out, and
	// with a code that proves that it was not.
	badGateway, notPassedOn float64
	// Requests that take longer than the caller waits.
	hang       float64
	slow       time.Duration
	retryAfter time.Duration
}

// fair is the weather in which everything is served.
var fair = weather{name: "fair", slow: 200 * time.Millisecond}

// bad weathers, for a while.
var bad = []weather{
	{name: "down", down: 1, slow: 50 * time.Millisecond},
	{name: "shaky", down: 0.3, slow: 500 * time.Millisecond},
	{name: "throttling", throttled: 0.6, slow: 50 * time.Millisecond},
	{name: "throttling with Retry-After", throttled: 0.3, slow: 50 * time.Millisecond, retryAfter: 3 * time.Second},
	{name: "refusing the credentials", operator: 1, slow: 50 * time.Millisecond},
	{name: "losing answers", lostBefore: 0.25, lostAfter: 0.25, slow: 500 * time.Millisecond},
	{name: "hanging", hang: 0.9, slow: 500 * time.Millisecond},
	{name: "slow", hang: 0.1, slow: 3 * time.Second},
	{name: "behind a bad gateway", badGateway: 0.6, slow: 200 * time.Millisecond},
	{name: "not found by its gateway", notPassedOn: 0.6, slow: 100 * time.Millisecond},
}

// fate is what becomes of one request.
type fate struct {
	arrives, returns time.Duration // how long there, and back again
	refusal          *mpcclient.Error
	carriedOut       bool // all the same
	lost             bool // no answer comes
	nothing          bool // it never arrives
}

// fate draws one.
func (w *world) fate(operation string) fate {
	now, r := w.mpc.weather, w.rand
	f := fate{arrives: between(r, time.Millisecond, now.slow), returns: between(r, time.Millisecond, now.slow)}
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
		// It is carried out late, perhaps after the caller has given up, or never.
		f.arrives, f.nothing = between(r, 0, 2*w.timeout), r.IntN(2) == 0
		if f.nothing {
			f.returns = w.timeout + time.Hour
		}
	}
	return f
}

// notPassedOn are gateway codes that prove that the request was not executed.
var notPassedOn = []string{"APIG.0605", "APIGW.0606", "APIG.0613", "APIG.0705"}

// refusal is an answer that is no success, and what the client makes of it.
func refusal(operation string, status int, code string) *mpcclient.Error {
	e := &mpcclient.Error{Operation: operation, Class: mpcclient.ClassOf(status, code), Status: status, Code: code}
	if e.Class == mpcclient.Lost && operation == mpcclient.OperationQuery {
		e.Class = mpcclient.Transient // it changes nothing
	}
	return e
}

// tooMany is how the API refuses a request that is one too many.
func tooMany(operation string) *mpcclient.Error { return refusal(operation, 429, "APIGW.0308") }

// inDoubt: whoever gets this answer does not know whether MPC has carried the
// request out. It does not go by what the client makes of it.
func inDoubt(e *mpcclient.Error) bool {
	answered := e.Status == 500 || e.Status == 502 || e.Status == 504
	return e.Status == 0 || answered && !slices.Contains(notPassedOn, e.Code)
}

// throttles: requests were refused lately because there were too many, so that the
// instances do not make as many as the quota allows.
func (w *world) throttles() bool {
	return w.mpc.throttledAt > 0 && w.s.now-w.mpc.throttledAt < 2*time.Minute
}
