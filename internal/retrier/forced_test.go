package retrier

import (
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

func TestForcePassesBudgetAgeAndSkipCodes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(48 * time.Hour) // the bubble's time begins with the year 2000
		for what, c := range map[string]struct {
			change func(*Config)
			first  events.Reason // without force
		}{
			"budget":    {func(c *Config) { c.Budget, c.SkipCodes = 1, nil }, events.BudgetExhausted},
			"age":       {func(c *Config) { c.MaxAge, c.SkipCodes = time.Hour, nil }, events.Expired},
			"skip code": {func(c *Config) { c.SkipCodes = []string{"MPC.10052"} }, events.NotRetryable},
		} {
			d := newHarness(t, &api{}, 0, c.change)
			ask := func(forced bool) events.Outcome {
				ev := agedEvent("1", 2*time.Hour)
				ev.Failure.ErrorCode, ev.Failure.Forced = "MPC.10052", forced
				return d.decide(ev)
			}
			if what == "budget" {
				d.decide(newEvent("1"))
			}
			calls := d.api.called()
			if o := ask(false); o.Reason != c.first || d.api.called() != calls {
				t.Errorf("%s, not forced: %+v", what, o)
			}
			if o := ask(true); o.Reason != events.Accepted || d.api.called() != calls+1 {
				t.Errorf("%s, forced: %+v", what, o)
			}
			if o := ask(false); o.Reason != c.first {
				t.Errorf("%s, after one was forced: %+v: force is one event's alone", what, o)
			}
			d.stop()
		}
	})
}

// A forced event forces a call, not an outcome: MPC decides, and a forced retry counts like
// any other.
func TestForceDoesNotChangeWhatMPCSays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(48 * time.Hour) // the bubble's time begins with the year 2000
		a := &api{retry: always(ambiguous), query: func(ids []string) (map[string]mpcclient.Task, error) {
			return tasksIn(mpcclient.StatusCanceled, ids...), nil
		}}
		d := newHarness(t, a, 0, nil)
		defer d.stop()
		ev := newEvent("1")
		ev.Failure.Forced = true
		if o := d.decide(ev); o.Reason != events.NotRetryable {
			t.Errorf("%+v", o)
		}
		a.retry = nil
		ev = newEvent("1")
		ev.Failure.Forced = true
		if o := d.decide(ev); o.Reason != events.Accepted || *o.Retries != 1 {
			t.Errorf("%+v with %d retries", o, *o.Retries)
		}
	})
}
