package app

import (
	"errors"
	"testing"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/story"
)

const (
	producersTrace = "0af7651916cd43dd8448eb211c80319c"
	traceparent    = "00-" + producersTrace + "-b7ad6b7169203331-01"
)

func delivery(key string, headers ...consumer.Header) *consumer.Delivery {
	return &consumer.Delivery{Record: consumer.Record{Topic: "remux.failed", Key: []byte(key), Headers: headers}}
}

func listening(t *testing.T) (observer, *story.Store) {
	t.Helper()
	stories, err := story.New(story.Config{Clock: clock.System})
	if err != nil {
		t.Fatal(err)
	}
	return observer{stories: stories, clock: clock.System}, stories
}

// Otherwise the dead letter of a task could not be found.
func TestWhatCannotBeReadIsFoundByItsKey(t *testing.T) {
	for key, found := range map[string]string{"538526": "538526", "two words": "", "\xff": "", "": ""} {
		o, stories := listening(t)
		seen := o.begin(delivery(key), events.Source{Offset: 7}, events.Failure{}, time.Now())
		seen.ended(nil, story.DeadLetter, "not_json, the value is empty")
		got := stories.Task(found)
		if len(got) != 1 || got[0].Source.Offset != 7 || !got[0].Finished || got[0].Steps[1].Kind != story.DeadLetter {
			t.Errorf("%q: %+v", key, got)
		}
	}
}

func TestAStoryBeginsWhenItsEventArrivedAndTellsItsOutcome(t *testing.T) {
	o, stories := listening(t)
	arrived := time.Now().Add(-time.Minute)
	seen := o.begin(delivery("1"), events.Source{}, events.Failure{TaskID: "1", Traceparent: traceparent}, arrived)
	outcome := events.Outcome{Reason: events.Accepted, Failure: events.Failure{TaskID: "1", Traceparent: traceparent}}
	seen.decided(&outcome, "remux.retried")
	if outcome.Failure.Traceparent != traceparent {
		t.Errorf("published with %q", outcome.Failure.Traceparent)
	}
	seen.ended(nil, story.Published, "remux.retried")
	got := stories.Task("1")[0]
	if !got.Steps[0].At.Equal(arrived) || got.Outcome == nil || got.Outcome.Reason != events.Accepted || seen.fields()["trace_id"] != producersTrace {
		t.Errorf("%+v, %v", got, seen.fields())
	}
}

func TestAnEventThatIsLeftUndecidedIsGivenUp(t *testing.T) {
	o, stories := listening(t)
	seen := o.begin(delivery("1"), events.Source{}, events.Failure{TaskID: "1"}, time.Now())
	seen.ended(errors.New("the group rebalances"), story.Published, "")
	got := stories.Task("1")[0]
	if last := got.Steps[len(got.Steps)-1]; last.Kind != story.GivenUp || last.Detail != "the group rebalances" || got.Outcome != nil || !got.Finished {
		t.Errorf("%+v", got)
	}
}

func TestWithoutListenersNothingIsAllocated(t *testing.T) {
	o, d, outcome := observer{clock: clock.System}, delivery("1"), events.Outcome{Reason: events.Accepted}
	if n := testing.AllocsPerRun(100, func() {
		seen := o.begin(d, events.Source{}, events.Failure{TaskID: "1"}, time.Time{})
		if seen.listener() != nil || seen.fields() != nil {
			t.Fatal("there is a listener")
		}
		seen.decided(&outcome, "remux.retried")
		seen.ended(nil, story.Published, "remux.retried")
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestADeadLettersTraceIsTakenFromItsHeaders(t *testing.T) {
	o, _ := listening(t)
	seen := o.begin(delivery("1", consumer.Header{Key: "traceparent", Value: []byte(traceparent)}), events.Source{}, events.Failure{}, time.Now())
	if seen.fields()["trace_id"] != producersTrace {
		t.Errorf("%v", seen.fields())
	}
}
