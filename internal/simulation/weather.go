package simulation

import (
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
}

// fate is what becomes of one request.
type fate struct {
	arrives, returns time.Duration // how long there, and back again
	refusal          *mpcclient.Error
	lost             bool // no answer comes
	nothing          bool // it never arrives
}

// fate draws one.
func (w *world) fate(operation string) fate {
	now, r := w.mpc.weather, w.rand
	f := fate{arrives: between(r, time.Millisecond, now.slow), returns: between(r, time.Millisecond, now.slow)}
	fails := func(class mpcclient.Class, status int, code string) {
		f.refusal = &mpcclient.Error{Operation: operation, Class: class, Status: status, Code: code, RetryAfter: now.retryAfter}
	}
	switch dice := r.Float64(); {
	case dice < now.down:
		fails(mpcclient.Transient, 503, "")
	case dice < now.throttled:
		fails(mpcclient.Throttled, 429, "APIGW.0308")
	case dice < now.operator:
		fails(mpcclient.Operator, 401, "APIGW.0301")
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
