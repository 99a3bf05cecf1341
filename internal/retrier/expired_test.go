package retrier

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

func agedEvent(id string, age time.Duration) Event {
	ev := newEvent(id)
	ev.Source.Time = time.Now().Add(-age)
	return ev
}

func maxAge(c *Config) { c.MaxAge = time.Hour }

func TestOldEventIsAnsweredWithoutACall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(48 * time.Hour) // the bubble's time begins with the year 2000
		d := newHarness(t, &api{}, 0, maxAge)
		defer d.stop()
		if o := d.decide(agedEvent("old", time.Hour+time.Second)); o.Reason != events.Expired || o.Attempts != 0 || d.api.called() != 0 {
			t.Errorf("%+v after %d calls", o, d.api.called())
		}
		if o := d.decide(agedEvent("young", time.Hour-time.Second)); o.Reason != events.Accepted {
			t.Errorf("%+v", o)
		}
	})
}

// Producers that set no time write −1, or 0: such a record would be older than any limit.
func TestEventWithoutATimestampDoesNotExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(48 * time.Hour) // the bubble's time begins with the year 2000
		d := newHarness(t, &api{}, 0, maxAge)
		defer d.stop()
		for id, at := range map[string]time.Time{"none": time.UnixMilli(-1), "zero": time.UnixMilli(0), "seconds": time.UnixMilli(1_795_420_800)} {
			ev := newEvent(id)
			ev.Source.Time = at
			if o := d.decide(ev); o.Reason != events.Accepted {
				t.Errorf("%s: %+v", id, o)
			}
		}
	})
}

func TestEventThatGrowsOldInAnOutageDoesNotExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(48 * time.Hour) // the bubble's time begins with the year 2000
		began := time.Now()
		d := newHarness(t, &api{retry: func(_ context.Context, _ string, _ int) error {
			if time.Since(began) < 3*time.Hour {
				return unavailable
			}
			return nil
		}}, 0, maxAge)
		defer d.stop()
		if o := d.decide(agedEvent("1", 0)); o.Reason != events.Accepted {
			t.Errorf("%+v", o)
		}
	})
}

// A former owner's call may have been accepted: the state is queried first.
func TestOldEventInDoubtIsAskedAbout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(48 * time.Hour) // the bubble's time begins with the year 2000
		for status, want := range map[mpcclient.Status]events.Reason{
			mpcclient.StatusProcessing: events.AlreadyRunning, mpcclient.StatusFailed: events.Expired,
		} {
			d := newHarness(t, &api{query: func(ids []string) (map[string]mpcclient.Task, error) { return tasksIn(status, ids...), nil }}, 0, maxAge)
			ev := agedEvent("1", 2*time.Hour)
			ev.Lease = &lease{at: ev.Source.Offset, doubt: true, since: time.Now()}
			if o := d.decide(ev); o.Reason != want || d.api.called() != 0 {
				t.Errorf("%s: %+v", status, o)
			}
			d.stop()
		}
	})
}
