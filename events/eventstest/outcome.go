// Package eventstest contains what the tests of events and of the published schemas share:
// accepted and rejected records, an outcome and a recovery. Only tests import it.
package eventstest

import (
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
)

// FailedSource is the source of a failure event. Its time is local, so that tests notice a
// missing conversion to UTC.
var FailedSource = events.Source{Topic: "remux.failed", Partition: 3, Offset: 1042, Time: time.UnixMilli(1795420800000)}

// Outcome returns the outcome of the event at FailedSource, with all times in UTC. It has no
// PreviousRetry and no AcceptedRetry, its covers have no LogID, and the flags of its Failure
// are false. Tests change the fields that they are about.
func Outcome(reason events.Reason) events.Outcome {
	retries := 1
	source := FailedSource
	source.Time = source.Time.UTC()
	return events.Outcome{
		Reason:   reason,
		Attempts: 1,
		Retries:  &retries,
		Source:   source,
		Failure: events.Failure{
			TaskID: "538526", ErrorCode: "MPC.10105", Description: "please retry", UserData: "asset\n93f1", ID: "e-1", Traceparent: Parent,
		},
		Error:     &events.APIError{Status: 403, Code: "MPC.10212", Message: "Operation failed.", RequestID: "r-1"},
		Covers:    []events.Cover{{Partition: 3, End: 1043}, {Partition: 4, End: 17}},
		DecidedAt: time.UnixMilli(1795420801234).UTC(),
		Origin:    events.OriginOf("remux-retrier"),
	}
}

// Recovery returns a recovery with all fields.
func Recovery() events.Recovery {
	retry := Outcome(events.Accepted)
	return events.Recovery{
		TaskID: retry.Failure.TaskID, Source: events.Source{Topic: "remux.failed", Partition: 3, Offset: 1077, Time: time.UnixMilli(1795420930500).UTC()},
		Retries: 2, Retry: events.Retry{Source: retry.Source, DecidedAt: retry.DecidedAt},
		FirstFailedAt: time.UnixMilli(1795420000000).UTC(), RecoveredAt: time.UnixMilli(1795420930500).UTC(),
		UserData: "asset\n93f1", Traceparent: Parent, Origin: retry.Origin,
	}
}

// Encode returns the published form of an outcome.
func Encode(t testing.TB, o events.Outcome) events.Message {
	t.Helper()
	m, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// HeaderOf returns the last value of a header and how often it occurs.
func HeaderOf(headers []events.Header, key string) (value string, count int) {
	for _, h := range headers {
		if h.Key == key {
			value = string(h.Value)
			count++
		}
	}
	return value, count
}

// Replace changes a message: it replaces one text in its value by another.
func Replace(from, to string) func(*events.Message) {
	return func(m *events.Message) {
		if !strings.Contains(string(m.Value), from) {
			panic("nothing to replace: " + from)
		}
		m.Value = []byte(strings.Replace(string(m.Value), from, to, 1))
	}
}
