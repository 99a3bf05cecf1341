package app

import (
	"errors"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus/hooks/test"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/pace"
	"remux-retrier/mpcclient"
)

func TestOnlyWhatSaysThatMPCDoesNotServeIsItsTrouble(t *testing.T) {
	var last lastError
	for _, err := range []error{
		nil, errors.New("cancelled"), &mpcclient.Error{Class: mpcclient.TaskNotFound, Status: 400},
		&mpcclient.Error{Operation: mpcclient.OperationQuery, Class: mpcclient.Operator, Status: 403, Code: "APIGW.0302", Advice: "grant the permission"},
	} {
		last.note(err)
		if got := last.last(); got != (failure{}) {
			t.Fatalf("%v is told: %+v", err, got)
		}
	}
	last.note(&mpcclient.Error{Class: mpcclient.Operator, Status: 401, Headline: "MPC rejects it: renew the key", Advice: "renew the key"})
	if got := last.last(); !strings.Contains(got.text, "401") || got.headline != "MPC rejects it: renew the key" || got.advice != "renew the key" || got.at.IsZero() {
		t.Errorf("%+v", got)
	}
	last.note(&mpcclient.Error{Class: mpcclient.Transient, Status: 503})
	if got := last.last(); !strings.Contains(got.text, "503") || got.headline+got.advice != "" || got.at.IsZero() {
		t.Errorf("%+v", got)
	}
}

// An idle gate does not know whether the outage is still going on. The page must not show
// it as both up and down.
func TestWhatMayServeIsNotDownSinceAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quiet, _ := test.NewNullLogger()
		gate, err := pace.New(pace.Config{Window: time.Minute, MaxInFlight: 1, Clock: clock.System, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		gate.Assign(pace.Assignment{Partitions: []int{0}, TopicPartitions: 1})
		permit, err := gate.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			if err := permit.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			permit.Done(pace.Failed, 0)
		}
		o := pageSource{gate: gate, lastErr: &lastError{}}
		if m := o.mpc(); m.Available || m.DownSince == nil {
			t.Errorf("in the outage: %+v", m)
		}
		time.Sleep(time.Minute)
		if m := o.mpc(); !m.Available || m.DownSince != nil {
			t.Errorf("after a minute without an event: %+v", m)
		}
	})
}

func TestWhatIsNotKnownOrNotLimitedIsNull(t *testing.T) {
	if known(time.Time{}) != nil || limited(math.Inf(1)) != nil {
		t.Error("told though it is not")
	}
	if n := limited(0); n == nil || *n != 0 {
		t.Error("a share of 0 is no missing limit")
	}
}

// The page must show that MPC throttles, and how much, and not that it is unavailable.
func TestThrottlingIsToldOnThePageAndInReadyz(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		quiet, _ := test.NewNullLogger()
		gate, err := pace.New(pace.Config{PerWindow: 100, Window: time.Minute, MaxInFlight: 1, Clock: clock.System, Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		gate.Assign(pace.Assignment{Partitions: []int{0}, TopicPartitions: 1})
		permit, err := gate.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		o := pageSource{gate: gate, lastErr: &lastError{}}
		if m := o.mpc(); m.ThrottledSince != nil || m.Admitted != nil || throttledNote(gate.State()) != "" {
			t.Errorf("before anything was refused: %+v, %q", m, throttledNote(gate.State()))
		}
		for _, result := range []pace.Result{pace.Served, pace.Throttled, pace.Throttled, pace.Throttled, pace.Served} {
			if err := permit.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			permit.Done(result, 0)
		}
		permit.Release()
		m, note := o.mpc(), throttledNote(gate.State())
		if !m.Available || m.ThrottledSince == nil || m.Admitted == nil || *m.Share != 100 {
			t.Errorf("%+v", m)
		}
		if !strings.HasPrefix(note, "Throttled by MPC since 2000-01-01 00:0") || !strings.HasSuffix(note, "48 of 100 calls a minute admitted") {
			t.Errorf("the note is %q", note)
		}
	})
}
