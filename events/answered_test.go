package events_test

import (
	"testing"

	"remux-retrier/events"
)

func TestAnAcceptedRetryIsCountedWhicheverWayItBecameKnown(t *testing.T) {
	inDoubt := outcome(events.AlreadyRunning)
	inDoubt.AcceptedRetry = true
	for _, c := range []struct {
		o      events.Outcome
		counts bool
	}{
		{outcome(events.Accepted), true},
		{inDoubt, true},
		{outcome(events.AlreadyRunning), false},
		{outcome(events.Covered), false},
	} {
		m := encode(t, c.o)
		back, err := events.DecodeOutcome(m.Value, m.Headers)
		if err != nil {
			t.Fatal(err)
		}
		if back.CountsAsRetry() != c.counts {
			t.Errorf("%s counts as a retry: %v", m.Value, back.CountsAsRetry())
		}
	}
}

func TestOnlyARunningTaskCanStandForAnAcceptedRetry(t *testing.T) {
	o := outcome(events.Rejected)
	o.AcceptedRetry = true
	if _, err := o.Encode(); err == nil {
		t.Error("a refusal was counted as a retry")
	}
}

func TestHeadersAloneTellWhatIsAnswered(t *testing.T) {
	o := outcome(events.Accepted)
	m := encode(t, o)
	event, origin, ok := events.ReadAnswered(m.Headers)
	if !ok || event.Topic != o.Source.Topic || event.Partition != o.Source.Partition || event.Offset != o.Source.Offset ||
		!event.Time.Equal(o.Source.Time) || origin != o.Origin {
		t.Errorf("read %+v of %q, %v", event, origin, ok)
	}
	for _, headers := range [][]events.Header{
		nil,
		{header("ce_id", "538526"), header("ce_source", o.Origin)},
		{header("ce_id", "remux.failed:3:1042:1795420800000")},
		{header("ce_source", o.Origin)},
	} {
		if _, _, ok := events.ReadAnswered(headers); ok {
			t.Errorf("%s were taken for an outcome's", headers)
		}
	}
}
