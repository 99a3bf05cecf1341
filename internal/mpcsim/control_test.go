package mpcsim

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func control(s *Simulator, method, path, body string) reply {
	return ask(s, httptest.NewRequest(method, path, strings.NewReader(body)))
}

func TestFaultsAreSwitchedAtRunTime(t *testing.T) {
	s := newSimulator(t, Config{})
	control(s, http.MethodPut, "/_sim/faults", `{"outage":"down"}`).want(t, 200, "")
	ask(s, retryRequest("a")).want(t, 503, "APIGW.0613")
	if got := control(s, http.MethodGet, "/_sim/faults", ""); got.body != `{"outage":"down"}` {
		t.Fatalf("faults are %s", got.body)
	}
	control(s, http.MethodPut, "/_sim/faults", `{}`).want(t, 200, "")
	ask(s, retryRequest("a")).want(t, 200, "")
}

func TestTasksAreScriptedAtRunTime(t *testing.T) {
	s := newSimulator(t, Config{UnknownNotFound: true})
	control(s, http.MethodGet, "/_sim/tasks/7", "").want(t, 404, "")
	body := `{"error_code":"MPC.10052","then":"FAILED","script":[{"status":403,"code":"MPC.10212"}],"query_script":[{"status":500,"code":"APIGW.0605"}]}`
	got := control(s, http.MethodPut, "/_sim/tasks/7", body)
	if got.status != 200 || got.body != `{"task_id":"7","status":"FAILED","error_code":"MPC.10052","then":"FAILED"}` {
		t.Fatalf("%d %s", got.status, got.body)
	}
	ask(s, queryRequest("7")).want(t, 500, "APIGW.0605")
	ask(s, retryRequest("7")).want(t, 403, "MPC.10212")
	ask(s, retryRequest("7")).want(t, 200, "")
	if got := statusOf(t, s, "7"); got != StatusFailed {
		t.Fatalf("ended as %s, want FAILED", got)
	}
	if got := control(s, http.MethodGet, "/_sim/tasks/7", ""); !strings.HasPrefix(got.body, `{"task_id":"7","status":"FAILED","error_code":"MPC.10105"`) {
		t.Fatalf("task is %s", got.body)
	}
}

func TestControlMistakesAreSaidAndChangeNothing(t *testing.T) {
	s := newSimulator(t, Config{})
	for _, c := range []struct{ method, path, body string }{
		{"PUT", "/_sim/faults", `{"outage":"gone"}`},
		{"PUT", "/_sim/faults", `{"outgae":"down"}`},
		{"PUT", "/_sim/faults", `{"latency":"soon"}`},
		{"PUT", "/_sim/faults", `{"outage":"down"}{}`},
		{"PUT", "/_sim/faults", ``},
		{"PUT", "/_sim/tasks/7", `{"status":"DONE"}`},
		{"PUT", "/_sim/tasks/7", `{"script":[{"end":"explode"}]}`},
		{"GET", "/_sim/requests?last=-1", ``},
	} {
		got := control(s, c.method, c.path, c.body)
		if got.status != 400 || !strings.Contains(got.body, `"error":"`) {
			t.Errorf("%s %s %s: %d %s", c.method, c.path, c.body, got.status, got.body)
		}
	}
	if _, known := s.Task("7"); known || s.Faults() != (Faults{}) {
		t.Fatal("a refused request changed something")
	}
}

func TestRequestLogIsReadOverTheControlAPIAndNotWrittenByIt(t *testing.T) {
	now := newClock()
	s := newSimulator(t, Config{Now: now.Now})
	control(s, http.MethodGet, "/_sim/healthz", "").want(t, 200, "")
	ask(s, retryRequest("a"))
	ask(s, retryRequest("b"))
	got := control(s, http.MethodGet, "/_sim/requests?last=1", "")
	want := `{"requests":[{"number":2,"at":"2026-11-23T08:00:00Z","operation":"retry","task_ids":["b"],"verdict":"accepted","status":200}],"max_in_a_minute":2}`
	if got.body != want {
		t.Fatalf("got  %s\nwant %s", got.body, want)
	}
	got = control(s, http.MethodGet, "/_sim/counters", "")
	if want := `{"retries":2,"queries":0,"lists":0,"logins":0,"accepted":2,"refused":0,"faulty":0,"lost":0,"max_in_flight":1,"max_in_flight_per_task":1}`; got.body != want {
		t.Fatalf("got  %s\nwant %s", got.body, want)
	}
}
