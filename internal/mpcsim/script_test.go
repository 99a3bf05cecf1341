package mpcsim

import (
	"context"
	"encoding/json"
	"reflect"
	"testing"
	"time"
)

func TestScriptAnswersStepByStepAndThenNoMore(t *testing.T) {
	s := newSimulator(t, Config{})
	must(t, s.Script("a", Fail(503, "APIGW.0613").Repeat(2), Fail(403, "MPC.10212")))
	for _, want := range []struct {
		status int
		code   string
	}{{503, "APIGW.0613"}, {503, "APIGW.0613"}, {403, "MPC.10212"}, {200, ""}, {403, "MPC.10213"}} {
		ask(s, retryRequest("a")).want(t, want.status, want.code)
	}
	if n := s.Accepted("a"); n != 1 {
		t.Fatalf("accepted %d retries, want 1", n)
	}
}

func TestScriptForEverUntilItIsTakenAway(t *testing.T) {
	s := newSimulator(t, Config{})
	must(t, s.Script("a", Fail(500, "APIGW.0605").Repeat(Always)))
	for range 5 {
		ask(s, retryRequest("a")).want(t, 500, "APIGW.0605")
	}
	ask(s, retryRequest("b")).want(t, 200, "") // others are not touched
	must(t, s.Script("a"))
	ask(s, retryRequest("a")).want(t, 200, "")
}

func TestScriptedStepsKeepTheCallersSliceAsItIs(t *testing.T) {
	s := newSimulator(t, Config{})
	steps := []Step{Fail(503, "x").Repeat(2)}
	must(t, s.Script("a", steps...))
	ask(s, retryRequest("a"))
	if steps[0].Times != 2 {
		t.Fatal("the simulator counts in the caller's slice")
	}
}

func TestLostAnswerWasARetryAllTheSame(t *testing.T) {
	s := newSimulator(t, Config{ProcessingFor: time.Hour})
	must(t, s.Script("a", Lose()))
	if got := ask(s, retryRequest("a")); !got.cut {
		t.Fatalf("answer %d came, want none", got.status)
	}
	if s.Accepted("a") != 1 || statusOf(t, s, "a") != StatusProcessing {
		t.Fatalf("accepted %d, task %s", s.Accepted("a"), statusOf(t, s, "a"))
	}
	if seen := s.Requests()[0]; seen.Verdict != Accepted || !seen.Lost || seen.Status != 0 {
		t.Fatalf("requests: %+v", seen)
	}
}

func TestGatewayGivesUpOnAnAcceptedRetry(t *testing.T) {
	s := newSimulator(t, Config{})
	must(t, s.Script("a", Fail(504, "APIGW.0201").Executed()))
	must(t, s.Script("b", Fail(504, "APIGW.0201")))
	ask(s, retryRequest("a")).want(t, 504, "APIGW.0201")
	ask(s, retryRequest("b")).want(t, 504, "APIGW.0201")
	if s.Accepted("a") != 1 || s.Accepted("b") != 0 {
		t.Fatalf("accepted a %d times, b %d times; want 1 and 0", s.Accepted("a"), s.Accepted("b"))
	}
}

func TestCaptivePortalAnswersWithoutMPC(t *testing.T) {
	s := newSimulator(t, Config{})
	must(t, s.Script("a", Raw(200, "text/html", "<html>log in</html>")))
	got := ask(s, retryRequest("a"))
	got.want(t, 200, "")
	if got.body != "<html>log in</html>" || got.header.Get("Content-Type") != "text/html" || s.Accepted("a") != 0 {
		t.Fatalf("%+v, accepted %d", got, s.Accepted("a"))
	}
	if verdict := s.Requests()[0].Verdict; verdict != Faulty {
		t.Fatalf("verdict %s, want %s", verdict, Faulty)
	}
}

func TestOneBadIDSpoilsItsQueryBatch(t *testing.T) {
	s := newSimulator(t, Config{})
	must(t, s.ScriptQuery("bad", Fail(400, "MPC.10202").Repeat(Always)))
	ask(s, queryRequest("a", "bad", "c")).want(t, 400, "MPC.10202")
	ask(s, queryRequest("bad")).want(t, 400, "MPC.10202")
	ask(s, queryRequest("a", "c")).want(t, 200, "")
	ask(s, retryRequest("bad")).want(t, 200, "") // queries only
}

func TestSlowAnswerComesAfterTheRetryIsCarriedOut(t *testing.T) {
	var slept time.Duration
	var s *Simulator
	s = newSimulator(t, Config{Sleep: func(_ context.Context, d time.Duration) error {
		slept = d
		if s.Accepted("a") != 1 {
			t.Error("the retry waits for its answer's delay")
		}
		return nil
	}})
	must(t, s.Script("a", Slow(3*time.Second)))
	ask(s, retryRequest("a")).want(t, 200, "")
	if slept != 3*time.Second {
		t.Fatalf("answered after %v, want 3s", slept)
	}
}

func TestRetryAfterIsWholeSecondsRoundedUp(t *testing.T) {
	s := newSimulator(t, Config{})
	step := Fail(429, "APIGW.0308")
	step.RetryAfter = 1500 * time.Millisecond
	must(t, s.Script("a", step))
	if got := ask(s, retryRequest("a")).header.Get("Retry-After"); got != "2" {
		t.Fatalf("Retry-After %q, want 2", got)
	}
}

func TestImpossibleStepsAreRefused(t *testing.T) {
	s := newSimulator(t, Config{})
	for _, step := range []Step{{End: "explode"}, {Status: 42}, {Status: 600}, {Times: -2}, {Delay: -1}} {
		if s.Script("a", step) == nil {
			t.Errorf("%+v was taken", step)
		}
	}
}

func TestStepsSurviveJSON(t *testing.T) {
	in := []Step{Lose(), Hang().Executed(), Slow(time.Second), Fail(503, "APIGW.0613").Repeat(3), Raw(302, "text/html", "x"), {Status: 429, Code: "x", RetryAfter: time.Minute}}
	data, err := json.Marshal(in)
	must(t, err)
	var out []Step
	must(t, json.Unmarshal(data, &out))
	if !reflect.DeepEqual(in, out) {
		t.Fatalf("%s\ngot  %+v\nwant %+v", data, out, in)
	}
	if err := json.Unmarshal([]byte(`[{"statsu":503}]`), &out); err == nil {
		t.Fatal("a misspelt field was taken for an ordinary step")
	}
}
