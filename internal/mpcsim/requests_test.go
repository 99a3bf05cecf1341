package mpcsim

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestRequestsAreLoggedInOrder(t *testing.T) {
	now := newClock()
	s := newSimulator(t, Config{Now: now.Now, UnknownNotFound: true})
	must(t, s.SetTask(Task{ID: "a"}))
	ask(s, retryRequest("a"))
	now.advance(time.Second)
	ask(s, retryRequest("none"))
	ask(s, queryRequest("a", "none"))
	login(s, "x")
	must(t, s.Script("a", Fail(500, "APIGW.0605"), Raw(502, "", "")))
	ask(s, retryRequest("a"))
	ask(s, retryRequest("a"))

	want := []Request{
		{Number: 1, At: epoch, Operation: Retry, TaskIDs: []string{"a"}, Verdict: Accepted, Status: 200},
		{Number: 2, At: epoch.Add(time.Second), Operation: Retry, TaskIDs: []string{"none"}, Verdict: Refused, Status: 404, Code: "MPC.10211"},
		{Number: 3, At: epoch.Add(time.Second), Operation: Query, TaskIDs: []string{"a", "none"}, Verdict: Accepted, Status: 200},
		{Number: 4, At: epoch.Add(time.Second), Operation: Login, Verdict: Refused, Status: 400},
		{Number: 5, At: epoch.Add(time.Second), Operation: Retry, TaskIDs: []string{"a"}, Verdict: Faulty, Status: 500, Code: "APIGW.0605"},
		{Number: 6, At: epoch.Add(time.Second), Operation: Retry, TaskIDs: []string{"a"}, Verdict: Faulty, Status: 502},
	}
	if got := fmt.Sprintf("%+v", s.Requests()); got != fmt.Sprintf("%+v", want) {
		t.Fatalf("got\n%s\nwant\n%+v", got, want)
	}
	count := s.Counters()
	if got := fmt.Sprintf("%+v", count); got != "{Retries:4 Queries:1 Lists:0 Logins:1 Accepted:1 Refused:2 Faulty:2 Lost:0 MaxInFlight:1 MaxInFlightPerTask:1 Codes:map[APIGW.0605:1 MPC.10211:1]}" {
		t.Fatal(got)
	}
}

func TestWithoutALogMemoryHoldsCountersOnly(t *testing.T) {
	var seen []Request
	s, err := New(Config{ProjectID: "p", Tokens: []Secret{token}, OnRequest: func(r Request) { seen = append(seen, r) }})
	must(t, err)
	ask(s, retryRequest("a"))
	ask(s, retryRequest("a"))
	if len(s.Requests()) != 0 || s.MaxInWindow(time.Minute) != 0 {
		t.Fatal("requests were kept")
	}
	if s.Counters().Retries != 2 || s.Accepted("a") != 1 {
		t.Fatalf("%+v", s.Counters())
	}
	if len(seen) != 2 || seen[0].Verdict != Accepted || seen[1].Code != "MPC.10213" {
		t.Fatalf("OnRequest got %+v", seen)
	}
}

// In a synctest bubble, calls overlap exactly as planned.
func TestOverlappingCallsAreCountedAtTheirPeak(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSimulator(t, Config{Faults: Faults{Latency: 10 * time.Second}})
		var calls sync.WaitGroup
		call := func(id string) { calls.Go(func() { ask(s, retryRequest(id)) }); synctest.Wait() }
		call("a")
		call("b")
		call("a")
		if seen := s.Requests()[2]; seen.Verdict != Pending {
			t.Fatalf("%+v is in flight", seen)
		}
		calls.Wait()
		call("a")
		calls.Wait()
		if left := len(s.requests.retrying); left != 0 || s.requests.inFlight != 0 {
			t.Fatalf("%d tasks and %d requests still count as in flight", left, s.requests.inFlight)
		}
		if count := s.Counters(); count.MaxInFlight != 3 || count.MaxInFlightPerTask != 2 {
			t.Fatalf("at most %d in flight and %d per task, want 3 and 2", count.MaxInFlight, count.MaxInFlightPerTask)
		}
	})
}

func TestCallsOneAfterTheOtherNeverOverlap(t *testing.T) {
	server, client := start(t, Config{})
	for range 200 {
		if _, err := put(t.Context(), client, server, "a"); err != nil {
			t.Fatal(err)
		}
	}
	if count := server.Counters(); count.MaxInFlight != 1 || count.MaxInFlightPerTask != 1 {
		t.Fatalf("%+v", count)
	}
}

func TestMaxInWindowFindsTheWorstWindow(t *testing.T) {
	now := newClock()
	s := newSimulator(t, Config{Now: now.Now})
	for _, after := range []time.Duration{0, 50 * time.Second, 5 * time.Second, 4 * time.Second, time.Second, 59 * time.Second} {
		now.advance(after)
		ask(s, retryRequest("a"))
		login(s, "not counted")
	}
	// Arrivals at 0, 50, 55, 59, 60 and 119 s.
	for window, want := range map[time.Duration]int{time.Minute: 4, time.Minute + 1: 5, 10 * time.Second: 3, time.Second: 1, time.Hour: 6} {
		if got := s.MaxInWindow(window); got != want {
			t.Errorf("in %v: %d, want %d", window, got, want)
		}
	}
}

func TestAwaitSeesACallThatIsNotAnsweredYet(t *testing.T) {
	server, client := start(t, Config{Faults: Faults{Outage: Hanging}})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := put(ctx, client, server, "a")
		done <- err
	}()
	must(t, server.Await(t.Context(), Retry, 1))
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatalf("hanging call ended with %v", err)
	}
	if err := server.Await(ctx, Retry, 2); !errors.Is(err, context.Canceled) {
		t.Fatalf("Await ended with %v", err)
	}
}

func TestAwaitCountsEveryOperation(t *testing.T) {
	s := newSimulator(t, Config{})
	ask(s, retryRequest("a"))
	ask(s, queryRequest("a"))
	ask(s, listRequest(""))
	login(s, "x")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, op := range []Operation{Retry, Query, List, Login} {
		must(t, s.Await(ended, op, 1))
	}
}
