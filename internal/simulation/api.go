package simulation

import (
	"context"
	"errors"
	"time"

	"remux-retrier/internal/retrier"
	"remux-retrier/mpcclient"
)

// api is an instance's connection to MPC. A request that was sent may be executed even if
// its sender has given up or was killed.
type api struct{ i *instance }

var _ retrier.API = api{}

var errTimeout = errors.New("no answer in time")

// Retry sends one retry call.
func (a api) Retry(ctx context.Context, taskID string) error {
	a.i.proc.mustLive()
	w := a.i.w
	t := w.mpc.find(taskID)
	if t == nil {
		w.violate("only tasks that have failed are retried", "a call for unknown task %q", taskID)
		return nil
	}
	f := w.drawResult(mpcclient.OperationRetry)
	c := a.i.called(t)
	a.i.tell("calls for task %s (call %d)", t.id, c.n)
	err := a.send(ctx, mpcclient.OperationRetry, f, func() *mpcclient.Error { return w.retry(c) }, c)
	a.i.returned(c, err)
	if err == nil {
		a.i.tell("call %d: accepted", c.n)
		return nil
	}
	a.i.tell("call %d: %v", c.n, err)
	return err
}

// Query asks for the states of tasks.
func (a api) Query(ctx context.Context, ids []string) (map[string]mpcclient.Task, error) {
	a.i.proc.mustLive()
	w := a.i.w
	w.sent(a.i)
	since, asked, sent := a.i.since, a.i.clock.Now(), w.s.now
	a.i.tell("asks for the states of %v", ids)
	states := map[string]mpcclient.Task{}
	err := a.send(ctx, mpcclient.OperationQuery, w.drawResult(mpcclient.OperationQuery), func() *mpcclient.Error {
		if !w.mayQuery {
			return refusal(mpcclient.OperationQuery, 403, "APIGW.0302")
		}
		for _, id := range ids {
			switch t := w.mpc.find(id); {
			case t.behavior == invalid:
				return refusal(mpcclient.OperationQuery, 400, "MPC.10202")
			case t.behavior != absent:
				states[id] = mpcclient.Task{ID: id, Status: t.status}
			}
		}
		return nil
	}, nil)
	if err != nil {
		a.i.tell("the states of %v: %v", ids, err)
		return nil, err
	}
	for _, id := range ids {
		t := w.mpc.find(id)
		a.i.asked[t] = w.seq()
		switch status := states[id].Status; {
		case status == mpcclient.StatusFailed:
			t.seenFail = true
			a.i.settled(t, asked, sent)
		case since == a.i.since:
			a.i.decided[t] = a.i.asked[t]
			if status != "" {
				a.i.running(t)
			}
		}
		a.i.tell("the state of %s: %s", id, orElse(string(states[id].Status), "unknown"))
	}
	return states, nil
}

// send executes a request and waits for the answer, at most for the timeout. A nil *Error
// becomes a nil error.
func (a api) send(ctx context.Context, operation string, f requestResult, carryOut func() *mpcclient.Error, c *call) error {
	w := a.i.w
	answered := make(chan struct{})
	var refusal *mpcclient.Error
	deliver := func() {
		refusal = f.refusal
		if w.limit.perMinute > 0 && !f.nothing {
			admitted := w.limit.admits(w.s.now)
			w.watchLimit(admitted)
			if !admitted {
				refusal, f.carriedOut, w.mpc.throttledAt = tooMany(operation), false, w.s.now
			}
		}
		if (refusal == nil || f.carriedOut) && !f.nothing {
			if said := carryOut(); refusal == nil {
				refusal = said
			}
		}
		if !f.lost {
			w.out.after(f.returns, func() { close(answered) })
		}
	}
	w.out.after(min(f.arrives, w.timeout), func() {
		switch late := f.arrives - w.timeout; {
		case late <= 0:
			deliver()
		case c != nil && c.ended:
			// MPC may process a call for the same time again after its end.
			w.out.after(late, deliver)
		}
	})
	until := w.s.now + w.timeout
	if f.lost {
		until = min(until, w.s.now+f.arrives+f.returns) // the connection ends
	}
	w.s.park(until, answered, ctx.Done())
	switch {
	case isClosed(answered):
		if refusal == nil {
			return nil
		}
		return refusal
	case f.lost:
		return &mpcclient.Error{Operation: operation, Class: mpcclient.Lost, Err: errReset}
	case ctx.Err() != nil:
		return &mpcclient.Error{Operation: operation, Class: mpcclient.Lost, Err: ctx.Err()}
	}
	return &mpcclient.Error{Operation: operation, Class: mpcclient.Lost, Err: errTimeout}
}

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// sent counts a request against the quota.
func (w *world) sent(i *instance) {
	w.requests, i.requestedAt = append(w.requests, w.s.now), w.s.now
	if n := len(w.requests) - w.quota - 1; w.quota > 0 && n >= 0 {
		if within := w.s.now - w.requests[n]; within < quotaWindow {
			w.violate("4: the quota", "instance %s sends request %d of the last %.1fs, %d a minute are allowed",
				i.name, w.quota+1, within.Round(time.Millisecond).Seconds(), w.quota)
		}
	}
}
