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

// MayAffectOthers must be true for every outcome that the ledger would keep.
func TestNoOutcomeThatTellsOfOthersIsPassedOver(t *testing.T) {
	for _, reason := range events.Reasons() {
		for _, covers := range [][]events.Cover{nil, {{Partition: 1, End: 9}}} {
			for _, inDoubt := range []bool{false, reason == events.AlreadyRunning} {
				o := outcome(reason)
				o.Covers, o.AcceptedRetry = covers, inDoubt
				want := len(covers) > 0 || o.CountsAsRetry()
				if m := encode(t, o); events.MayAffectOthers(m.Value) != want {
					t.Errorf("tells of others: %v, want %v: %s", !want, want, m.Value)
				}
			}
		}
	}
}

func TestHeadersAloneTellWhatIsAnswered(t *testing.T) {
	o := outcome(events.Accepted)
	m := encode(t, o)
	for _, c := range []struct {
		topic, origin string
		ours          bool
	}{
		{o.Source.Topic, o.Origin, true},
		{"another", o.Origin, false},
		{o.Source.Topic, events.OriginOf("another group"), false},
	} {
		event, decided, ours, ok := events.ReadAnswered(m.Headers, c.topic, c.origin)
		if !ok || event.Topic != o.Source.Topic || event.Partition != o.Source.Partition || event.Offset != o.Source.Offset ||
			!event.Time.Equal(o.Source.Time) || ours != c.ours || decided.UnixMilli() != o.DecidedAt.UnixMilli() {
			t.Errorf("read %+v of %v, ours: %v, %v", event, decided, ours, ok)
		}
	}
	for _, headers := range [][]events.Header{
		nil,
		{header("ce_id", "538526"), header("ce_source", o.Origin)},
		{header("ce_id", "remux.failed:3:1042:1795420800000")},
		{header("ce_source", o.Origin)},
	} {
		if _, _, _, ok := events.ReadAnswered(headers, o.Source.Topic, o.Origin); ok {
			t.Errorf("%s were taken for an outcome's", headers)
		}
	}
}
