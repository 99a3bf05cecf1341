package events_test

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
)

func failedAgain(reason events.Reason) events.Outcome {
	o := outcome(reason)
	o.PreviousRetry = &events.Retry{
		Source:    events.Source{Topic: "remux.failed", Partition: 3, Offset: 7, Time: time.UnixMilli(1795420000000).UTC()},
		DecidedAt: time.UnixMilli(1795420001234).UTC(),
	}
	return o
}

func TestATaskThatHasFailedAgainSaysSoAndNamesItsRetry(t *testing.T) {
	const want = `"attempts":1,"failed_again":true,` +
		`"previous_retry":{"outcome_id":"remux.failed:3:7:1795420000000","decided_at":"2026-11-23T07:46:41.234Z"},"failed_event":`
	for _, reason := range []events.Reason{events.Accepted, events.BudgetExhausted} {
		o := failedAgain(reason)
		m := encode(t, o)
		if !strings.Contains(string(m.Value), want) {
			t.Errorf("no %s in %s", want, m.Value)
		}
		back, err := events.DecodeOutcome(m.Value, m.Headers)
		if err != nil || !reflect.DeepEqual(back.PreviousRetry, o.PreviousRetry) {
			t.Errorf("read back: %+v, %v", back.PreviousRetry, err)
		}
	}
	if m := encode(t, outcome(events.Accepted)); strings.Contains(string(m.Value), "again") || strings.Contains(string(m.Value), "previous") {
		t.Errorf("it has not failed again: %s", m.Value)
	}
}

func TestAPreviousRetryThatNamesNoOutcomeIsRefused(t *testing.T) {
	for name, spoil := range map[string]func(*events.Retry){
		"no event":        func(p *events.Retry) { p.Source = events.Source{} },
		"negative offset": func(p *events.Retry) { p.Source.Offset = -1 },
		"no time":         func(p *events.Retry) { p.DecidedAt = time.Time{} },
	} {
		o := failedAgain(events.Accepted)
		spoil(o.PreviousRetry)
		if m, err := o.Encode(); err == nil {
			t.Errorf("%s: encoded as %s", name, m.Value)
		}
	}
	for from, to := range map[string]string{
		`remux.failed:3:7:1795420000000`: `remux.failed:3:7`,
		`07:46:41.234Z`:                  `07:46`,
		`{"outcome_id"`:                  `{"outcome"`,
	} {
		m := encode(t, failedAgain(events.Accepted))
		replace(from, to)(&m)
		if o, err := events.DecodeOutcome(m.Value, m.Headers); err == nil {
			t.Errorf("%s in %s's place: read %+v", to, from, o.PreviousRetry)
		}
	}
}
