package story

import (
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
)

func refused(status int, code string) Step {
	return Step{Kind: Refused, Error: &events.APIError{Status: status, Code: code, RequestID: "another each time"}}
}

func TestAWaitThatWasNoneIsNotTold(t *testing.T) {
	s, clock := open(t, 0)
	r := s.Begin("a", at(1), events.Failure{})
	r.Step(Step{Kind: Received})
	for _, took := range []time.Duration{0, minWait - 1, minWait} {
		r.Step(Step{Kind: QuotaWait})
		clock.pass(took)
		r.Step(Step{Kind: Call})
	}
	if got := kinds(s.Task("a")[0]); got != strings.Join([]string{"received", "call", "call", "quota_wait", "call"}, " ") {
		t.Errorf("got %s", got)
	}
}

func TestProbesOfAnOutageAreCountedNotListed(t *testing.T) {
	s, clock := open(t, 0)
	r := s.Begin("a", at(1), events.Failure{})
	tell(clock, r, of(Received)...)
	for range 1000 {
		tell(clock, r, Step{Kind: OutageWait}, Step{Kind: Call}, refused(503, "APIG.0608"))
	}
	last := clock.Time
	tell(clock, r, Step{Kind: OutageWait}, Step{Kind: Call}, refused(429, "APIG.0308"), Step{Kind: BackoffWait}, Step{Kind: Call},
		Step{Kind: Accepted})
	got := s.Task("a")[0]
	if k := kinds(got); k != "received outage_wait call refused outage_wait call refused backoff_wait call accepted" {
		t.Fatalf("got %s", k)
	}
	if probe := got.Steps[3]; probe.Times != 1000 || !probe.Last.Equal(last) || !probe.At.Before(probe.Last) {
		t.Errorf("got %+v", probe)
	}
	if text := got.Steps[3].Sentence(); !strings.HasPrefix(text, "MPC refused the call with HTTP 503 APIG.0608. This happened 1000 times, the last time at ") {
		t.Errorf("got %s", text)
	}
}

func TestTheSameStateAskedForAgainAndAgainIsCounted(t *testing.T) {
	s, clock := open(t, 0)
	r := s.Begin("a", at(1), events.Failure{})
	for range 3 {
		tell(clock, r, Step{Kind: Doubt}, Step{Kind: Query}, Step{Kind: State, State: "FAILED"})
	}
	tell(clock, r, Step{Kind: Query}, Step{Kind: State, State: "running"})
	got := s.Task("a")[0]
	if kinds(got) != "doubt query state query state" || got.Steps[2].Times != 3 {
		t.Errorf("got %s, %+v", kinds(got), got.Steps)
	}
}

// Two kinds of refusal in turn are listed one by one, up to maxSteps. Of a longer story
// the beginning and the end are kept.
func TestALongStoryKeepsItsBeginningAndItsEnd(t *testing.T) {
	s, clock := open(t, 0)
	r := s.Begin("a", at(1), events.Failure{})
	tell(clock, r, of(Received)...)
	for range 500 {
		tell(clock, r, Step{Kind: Call}, refused(500, "A"), Step{Kind: Call}, refused(503, "B"))
	}
	tell(clock, r, of(Call, Accepted, Answered, Published)...)
	steps := s.Task("a")[0].Steps
	if len(steps) != maxSteps || steps[0].Kind != Received || steps[firstSteps].Kind != Skipped || steps[maxSteps-1].Kind != Published {
		t.Fatalf("%d steps: %s", len(steps), kinds(s.Task("a")[0]))
	}
	if got, want := steps[firstSteps].Times, 1+4*500+4-(maxSteps-1); got != want {
		t.Errorf("%d were left out, want %d", got, want)
	}
	if gap := steps[firstSteps+1].At.Sub(steps[firstSteps].Last); gap != time.Second {
		t.Errorf("the last that was left out was %v before the next", gap)
	}
}
