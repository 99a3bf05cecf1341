package mpcsim

import (
	"context"
	"encoding/json"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestOutagesAnswerAsDocumented(t *testing.T) {
	for outage, want := range map[Outage]struct {
		status int
		code   string
	}{
		Down: {503, "APIGW.0613"}, Broken: {500, "APIGW.0605"}, Unauthorized: {401, "APIGW.0301"},
		Denied: {403, "APIGW.0401"}, Firewall: {403, ""},
	} {
		s := newSimulator(t, Config{Faults: Faults{Outage: outage}})
		ask(s, retryRequest("a")).want(t, want.status, want.code)
		ask(s, queryRequest("a")).want(t, want.status, want.code)
		if s.Accepted("a") != 0 {
			t.Errorf("%s: the retry was carried out", outage)
		}
		must(t, s.SetFaults(Faults{}))
		ask(s, retryRequest("a")).want(t, 200, "")
	}
}

func TestFirewallSpeaksHTML(t *testing.T) {
	s := newSimulator(t, Config{Faults: Faults{Outage: Firewall}})
	if got := ask(s, retryRequest("a")); got.header.Get("Content-Type") != "text/html" {
		t.Fatalf("%v", got.header)
	}
	if verdict := s.Requests()[0].Verdict; verdict != Faulty {
		t.Fatalf("verdict %s, want %s", verdict, Faulty)
	}
}

func TestIAMAndMPCFailApart(t *testing.T) {
	s := iamSimulator(t, newClock())
	must(t, s.SetFaults(Faults{IAMOutage: Down}))
	login(s, right).want(t, 503, "APIGW.0613")
	ask(s, retryRequest("a")).want(t, 200, "")
	must(t, s.SetFaults(Faults{Outage: Down}))
	login(s, right).want(t, 201, "")
}

func TestQueriesMayBeForbiddenWhileRetriesAreNot(t *testing.T) {
	s := newSimulator(t, Config{Faults: Faults{RefuseQueries: true}})
	ask(s, queryRequest("a")).want(t, 403, "APIGW.0302")
	ask(s, retryRequest("a")).want(t, 200, "")
}

func TestThrottlingInBothSpellings(t *testing.T) {
	now := newClock()
	s := newSimulator(t, Config{Now: now.Now, Faults: Faults{PerSecond: 2, RetryAfter: time.Second}})
	ask(s, retryRequest("a")).want(t, 200, "")
	ask(s, queryRequest("a")).want(t, 200, "")
	got := ask(s, retryRequest("b"))
	got.want(t, 429, "APIGW.0308")
	if got.header.Get("Retry-After") != "1" {
		t.Fatalf("Retry-After %q", got.header.Get("Retry-After"))
	}
	must(t, s.SetFaults(Faults{PerSecond: 2, ThrottleAsMPC: true})) // the limit stays used up
	got = ask(s, retryRequest("b"))
	got.want(t, 406, "MPC.10237")
	if got.header.Get("Retry-After") != "" {
		t.Fatal("Retry-After was sent though it is not configured")
	}
	now.advance(500 * time.Millisecond)
	ask(s, retryRequest("b")).want(t, 200, "")
}

func TestLatencyHoldsEveryAnswerBack(t *testing.T) {
	var slept []time.Duration
	s := newSimulator(t, Config{
		Faults: Faults{Latency: time.Second},
		Sleep:  func(_ context.Context, d time.Duration) error { slept = append(slept, d); return nil },
	})
	must(t, s.Script("b", Slow(time.Minute)))
	ask(s, retryRequest("a"))
	ask(s, retryRequest("b"))
	if len(slept) != 2 || slept[0] != time.Second || slept[1] != time.Minute+time.Second {
		t.Fatalf("waits: %v", slept)
	}
}

func TestRandomFaultsFollowTheSeedAndTheirRate(t *testing.T) {
	story := func(seed uint64) (verdicts []Verdict, lost int) {
		s := newSimulator(t, Config{Seed: seed, Faults: Faults{ErrorRate: 0.25, LossRate: 0.25}})
		for range 1000 {
			ask(s, queryRequest("a"))
		}
		for _, seen := range s.Requests() {
			verdicts = append(verdicts, seen.Verdict)
		}
		return verdicts, s.Counters().Lost
	}
	one, lost := story(1)
	again, _ := story(1)
	other, _ := story(2)
	failed, same := 0, 0
	for i := range one {
		if one[i] != again[i] {
			t.Fatal("one seed gives two results")
		}
		if one[i] == other[i] {
			same++
		}
		if one[i] == Faulty {
			failed++
		}
	}
	if same == len(one) {
		t.Fatal("two seeds give the same result")
	}
	// A quarter fails, and a quarter of the rest is lost. The tolerance is four
	// standard deviations.
	if math.Abs(float64(failed)-250) > 55 || math.Abs(float64(lost)-187.5) > 50 {
		t.Fatalf("%d failed and %d lost of 1000", failed, lost)
	}
}

func TestFaultsThatAreOffDrawNothing(t *testing.T) {
	s := newSimulator(t, Config{Seed: 7, Faults: Faults{ErrorRate: 0.5}})
	draws := rand.New(rand.NewPCG(7, 0))
	for i := range 100 {
		want := 200
		if draws.Float64() < 0.5 {
			want = 500
		}
		if got := ask(s, queryRequest("a")); got.status != want {
			t.Fatalf("request %d: %d, want %d", i, got.status, want)
		}
	}
}

func TestRandomlyLostRetriesAreCarriedOut(t *testing.T) {
	s := newSimulator(t, Config{Faults: Faults{LossRate: 1}})
	if got := ask(s, retryRequest("a")); !got.cut || s.Accepted("a") != 1 {
		t.Fatalf("cut %v, accepted %d", got.cut, s.Accepted("a"))
	}
}

func TestFaultsThatCannotBeAreRefusedAndChangeNothing(t *testing.T) {
	s := newSimulator(t, Config{Faults: Faults{Outage: Down}})
	for _, f := range []Faults{{Outage: "gone"}, {IAMOutage: "gone"}, {ErrorRate: 1.1}, {LossRate: -1}, {LossRate: math.NaN()}, {Latency: -1}, {PerMinute: -1}, {PerSecond: -1}} {
		if s.SetFaults(f) == nil {
			t.Errorf("%+v was accepted", f)
		}
		if _, err := New(complete(Config{Faults: f})); err == nil {
			t.Errorf("%+v was accepted at the start", f)
		}
	}
	if s.Faults() != (Faults{Outage: Down}) {
		t.Fatalf("faults are %+v now", s.Faults())
	}
}

func TestFaultsSurviveJSON(t *testing.T) {
	in := Faults{Hanging, Resetting, time.Second, 1.5, 100, true, time.Minute, true, 0.1, 0.2}
	data, err := json.Marshal(in)
	must(t, err)
	var out Faults
	must(t, json.Unmarshal(data, &out))
	if in != out {
		t.Fatalf("%s\ngot  %+v\nwant %+v", data, out, in)
	}
}

func TestQuotaPerMinuteIsASlidingWindow(t *testing.T) {
	q, now := newQuota(0, 3), epoch
	admit := func(after time.Duration, want bool) {
		t.Helper()
		now = now.Add(after)
		if got := q.admit(now); got != want {
			t.Fatalf("at %v: admitted %v, want %v", now.Sub(epoch), got, want)
		}
	}
	admit(0, true)
	admit(20*time.Second, true)
	admit(20*time.Second, true)
	admit(19*time.Second, false) // the fourth within 59 s
	admit(time.Second, true)     // the first has left the window
	admit(time.Second, false)
	admit(19*time.Second, true)
	admit(0, false)
}

func TestTokenBucketSavesNoMoreThanOneSecond(t *testing.T) {
	for _, c := range []struct {
		rate float64
		idle time.Duration
		want int
	}{{10, time.Hour, 10}, {10, 300 * time.Millisecond, 3}, {0.5, time.Hour, 1}, {0.5, time.Second, 0}} {
		q, now := newQuota(c.rate, 0), epoch
		for q.admit(now) {
		}
		now = now.Add(c.idle)
		got := 0
		for q.admit(now) {
			got++
		}
		if got != c.want {
			t.Errorf("%v/s after %v: %d at once, want %d", c.rate, c.idle, got, c.want)
		}
	}
}
