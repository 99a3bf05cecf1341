package retrier

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

var (
	notPermitted = queryRefusal(mpcclient.Operator, 403, "APIG.0302")
	lostAnswer   = &mpcclient.Error{Operation: mpcclient.OperationRetry, Class: mpcclient.Lost, Err: errors.New("reset")}
	unavailable  = refusal(mpcclient.Transient, 503, "")
)

// states are the possible results of a query.
var states = map[string]func(ids []string) (map[string]mpcclient.Task, error){
	"INIT":        stateIs(mpcclient.StatusInit),
	"WAITING":     stateIs(mpcclient.StatusWaiting),
	"PROCESSING":  stateIs(mpcclient.StatusProcessing),
	"SUCCEED":     stateIs(mpcclient.StatusSucceeded),
	"FAILED":      stateIs(mpcclient.StatusFailed),
	"QUEUED":      stateIs("QUEUED"), // which MPC does not document
	"CANCELED":    stateIs(mpcclient.StatusCanceled),
	"not known":   func([]string) (map[string]mpcclient.Task, error) { return nil, nil },
	"10211":       queryFails(queryRefusal(mpcclient.TaskNotFound, 404, "MPC.10211")),
	"10202":       queryFails(queryRefusal(mpcclient.InvalidTask, 400, "MPC.10202")),
	"another 4xx": queryFails(queryRefusal(mpcclient.Refused, 400, "MPC.19999")),
	"forbidden":   queryFails(notPermitted),
}

func stateIs(s mpcclient.Status) func([]string) (map[string]mpcclient.Task, error) {
	return func(ids []string) (map[string]mpcclient.Task, error) { return tasksIn(s, ids...), nil }
}

func queryFails(err error) func([]string) (map[string]mpcclient.Task, error) {
	return func([]string) (map[string]mpcclient.Task, error) { return nil, err }
}

func TestAcceptedCallIsTheAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{}, 0, nil)
		defer d.stop()
		ev := newEvent("1")
		o := d.decide(ev)
		if o.Reason != events.Accepted || o.Attempts != 1 || o.Error != nil {
			t.Errorf("%+v", o)
		}
		if o.Source != ev.Source || o.Failure != ev.Failure || o.Origin != "/remux-retrier/test" || !o.DecidedAt.Equal(time.Now()) {
			t.Errorf("the event is not in its outcome: %+v", o)
		}
		if d.api.asked() != 0 {
			t.Error("an accepted call was asked about")
		}
	})
}

func TestFinalRefusalIsAnsweredWithoutAQuery(t *testing.T) {
	for _, c := range []struct {
		class  mpcclient.Class
		code   string
		reason events.Reason
	}{
		{mpcclient.TaskNotFound, "MPC.10211", events.TaskNotFound},
		{mpcclient.InvalidTask, "MPC.10202", events.InvalidTask},
		{mpcclient.InvalidTask, "MPC.10209", events.InvalidTask},
		{mpcclient.InvalidTask, "MPC.10210", events.InvalidTask},
	} {
		t.Run(c.code, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newHarness(t, &api{retry: always(refusal(c.class, 403, c.code))}, 0, nil)
				defer d.stop()
				o := d.decide(newEvent("1"))
				want := events.APIError{Status: 403, Code: c.code, Message: "no", RequestID: "r-1"}
				if o.Reason != c.reason || o.Attempts != 1 || o.Error == nil || *o.Error != want {
					t.Errorf("%+v, error %+v", o, o.Error)
				}
				if d.api.asked() != 0 {
					t.Error("a refusal that explains itself was asked about")
				}
			})
		})
	}
}

func TestAmbiguousRefusalIsExplainedByTheState(t *testing.T) {
	want := map[string]events.Reason{
		"INIT": events.AlreadyRunning, "WAITING": events.AlreadyRunning, "PROCESSING": events.AlreadyRunning,
		"SUCCEED": events.AlreadyRunning, "QUEUED": events.AlreadyRunning, "FAILED": events.Rejected, "CANCELED": events.NotRetryable,
		"not known": events.TaskNotFound, "10211": events.TaskNotFound, "10202": events.InvalidTask,
		"another 4xx": events.Rejected, "forbidden": events.Rejected,
	}
	for _, c := range []struct {
		class mpcclient.Class
		code  string
	}{{mpcclient.Ambiguous, "MPC.10212"}, {mpcclient.Ambiguous, "MPC.10213"}, {mpcclient.Refused, "MPC.10299"}} {
		for state, query := range states {
			reason := want[state]
			if c.code == "MPC.10213" && (state == "forbidden" || state == "another 4xx") {
				reason = events.AlreadyRunning // the code says so itself
			}
			t.Run(c.code+" "+state, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					d := newHarness(t, &api{retry: always(refusal(c.class, 403, c.code)), query: query}, 0, nil)
					defer d.stop()
					began := time.Now()
					o := d.decide(newEvent("1"))
					if o.Reason != reason || o.Attempts != 1 || o.Error == nil || o.Error.Code != c.code {
						t.Errorf("%+v, error %+v, want %s", o, o.Error, reason)
					}
					if took := time.Since(began); took > 10*time.Millisecond || d.api.asked() != 1 {
						t.Errorf("%d queries, %v: a refusal is not in doubt and waits for nothing", d.api.asked(), took)
					}
				})
			})
		}
	}
}

func TestSkipCodeIsAnsweredWithoutACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{}, 0, nil)
		defer d.stop()
		ev := newEvent("1")
		ev.Failure.ErrorCode = "MPC.10052"
		if o := d.decide(ev); o.Reason != events.NotRetryable || o.Attempts != 0 || o.Error != nil {
			t.Errorf("%+v", o)
		}
		if d.api.called()+d.api.asked() != 0 {
			t.Error("MPC was asked")
		}
	})
}

// A former owner may have called before the codes were configured: the result of that call
// comes first.
func TestSkipCodeDoesNotHideACallInDoubt(t *testing.T) {
	for state, want := range map[string]events.Reason{"PROCESSING": events.AlreadyRunning, "FAILED": events.NotRetryable} {
		t.Run(state, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newHarness(t, &api{query: states[state]}, 0, nil)
				defer d.stop()
				ev := newEvent("1")
				ev.Failure.ErrorCode = "MPC.10052"
				ev.Lease = &lease{at: ev.Source.Offset, doubt: true, since: time.Now()}
				if o := d.decide(ev); o.Reason != want || o.Attempts != 0 {
					t.Errorf("%+v, want %s", o, want)
				}
			})
		})
	}
}

func TestMissingConfigurationIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{}, 0, nil)
		d.stop()
		for name, spoil := range map[string]func(*Config){
			"API":         func(c *Config) { c.API = nil },
			"Gate":        func(c *Config) { c.Gate = nil },
			"Ledger":      func(c *Config) { c.Ledger = nil },
			"Budget":      func(c *Config) { c.Budget = -1 },
			"Clock":       func(c *Config) { c.Clock = nil },
			"Rand":        func(c *Config) { c.Rand = nil },
			"Logger":      func(c *Config) { c.Logger = nil },
			"Tally":       func(c *Config) { c.Tally = nil },
			"MaxInFlight": func(c *Config) { c.MaxInFlight = 0 },
			"MaxAttempts": func(c *Config) { c.MaxAttempts = 0 },
			"Settle":      func(c *Config) { c.Settle = 0 },
		} {
			bad := d.cfg
			spoil(&bad)
			if _, err := New(bad); err == nil {
				t.Errorf("%s: not refused", name)
			}
		}
	})
}
