package mpcsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestRetryQueuesAFailedTaskWhichThenRunsToItsEnd(t *testing.T) {
	now := newClock()
	s := newSimulator(t, Config{Now: now.Now, WaitingFor: time.Second, ProcessingFor: time.Minute})
	must(t, s.SetTask(Task{ID: "538526"}))

	got := ask(s, retryRequest("538526"))
	got.want(t, 200, "")
	if got.body != "" {
		t.Fatalf("an accepted retry has no body, got %q", got.body)
	}
	for _, step := range []struct {
		after time.Duration
		want  Status
	}{{0, StatusWaiting}, {time.Second, StatusProcessing}, {59 * time.Second, StatusProcessing}, {time.Second, StatusSucceed}} {
		now.advance(step.after)
		if got := statusOf(t, s, "538526"); got != step.want {
			t.Fatalf("%v later: %s, want %s", step.after, got, step.want)
		}
	}
	ask(s, retryRequest("538526")).want(t, 403, "MPC.10213")
	if n := s.Accepted("538526"); n != 1 {
		t.Fatalf("accepted %d retries, want 1", n)
	}
}

func TestATaskThatWasNotQueriedAdvancesToo(t *testing.T) {
	now := newClock()
	s := newSimulator(t, Config{Now: now.Now, WaitingFor: time.Second, ProcessingFor: time.Minute})
	ask(s, retryRequest("a")).want(t, 200, "")
	now.advance(time.Hour)
	got := ask(s, queryRequest("a"))
	if want := `"status":"SUCCEED","create_time":20261123080000,"start_time":20261123080001,"end_time":20261123080101}`; !strings.Contains(got.body, want) {
		t.Fatalf("got %s, want …%s", got.body, want)
	}
}

func TestTaskThatFailsAgainCanBeRetriedAgain(t *testing.T) {
	s := newSimulator(t, Config{})
	must(t, s.SetTask(Task{ID: "a", Then: StatusFailed}))
	ask(s, retryRequest("a")).want(t, 200, "")
	ask(s, retryRequest("a")).want(t, 200, "")
	if n := s.Accepted("a"); n != 2 {
		t.Fatalf("accepted %d retries, want 2", n)
	}
}

func TestOnlyFailedTasksAreRetried(t *testing.T) {
	for _, status := range []Status{StatusInit, StatusWaiting, StatusProcessing, StatusSucceed, StatusCanceled} {
		for _, code := range []string{"MPC.10212", "MPC.10213"} {
			s := newSimulator(t, Config{RefusalCode: code, WaitingFor: time.Hour, ProcessingFor: time.Hour})
			must(t, s.SetTask(Task{ID: "a", Status: status}))
			ask(s, retryRequest("a")).want(t, 403, code)
			if got := statusOf(t, s, "a"); got != status {
				t.Errorf("a refused retry moved %s to %s", status, got)
			}
		}
	}
}

func TestUnknownTaskFollowsThePolicy(t *testing.T) {
	onSight := newSimulator(t, Config{})
	ask(onSight, retryRequest("new")).want(t, 200, "")

	strict := newSimulator(t, Config{UnknownNotFound: true})
	ask(strict, retryRequest("new")).want(t, 404, "MPC.10211")
	got := ask(strict, queryRequest("new"))
	if got.status != 200 || got.body != `{"total":0,"tasks":[]}` {
		t.Fatalf("query of an unknown task: %d %s", got.status, got.body)
	}
}

func TestQueryAnswersNumbersAsTheDocumentsExampleDoes(t *testing.T) {
	now := newClock()
	s := newSimulator(t, Config{Now: now.Now, UnknownNotFound: true, ProcessingFor: time.Minute})
	must(t, s.SetTask(Task{ID: "538526", ErrorCode: "MPC.10052", Description: "Input missing."}))
	must(t, s.SetTask(Task{ID: "007"}))
	must(t, s.SetTask(Task{ID: "a-b", Status: StatusProcessing}))
	got := ask(s, queryRequest("538526", "007", "a-b", "538526", "none"))
	want := `{"total":3,"tasks":[` +
		`{"task_id":538526,"status":"FAILED","create_time":20261123080000,"start_time":20261123080000,"end_time":20261123080000,"error_code":"MPC.10052","description":"Input missing."},` +
		`{"task_id":"007","status":"FAILED","create_time":20261123080000,"start_time":20261123080000,"end_time":20261123080000,"error_code":"MPC.10105","description":"Internal error, please retry."},` +
		`{"task_id":"a-b","status":"PROCESSING","create_time":20261123080000,"start_time":20261123080000}]}`
	if got.status != 200 || got.body != want {
		t.Fatalf("got  %d %s\nwant 200 %s", got.status, got.body, want)
	}
}

func TestBadParametersAreRefused(t *testing.T) {
	eleven := make([]string, 11)
	for i := range eleven {
		eleven[i] = fmt.Sprint(i)
	}
	raw := func(body string) *http.Request {
		r := httptest.NewRequest(http.MethodPut, "/v1/p/remux", strings.NewReader(body))
		r.Header.Set("X-Auth-Token", token)
		return r
	}
	for name, r := range map[string]*http.Request{
		"eleven ids":       queryRequest(eleven...),
		"no id":            queryRequest(),
		"empty id":         retryRequest(""),
		"over-long id":     retryRequest(strings.Repeat("x", 129)),
		"number":           raw(`{"task_id":538526}`),
		"no JSON":          raw(`task_id=538526`),
		"over-long body":   raw(`{"task_id":"1","x":"` + strings.Repeat("x", maxBody) + `"}`),
		"not UTF-8 in URL": queryRequest("%ff"),
	} {
		s := newSimulator(t, Config{})
		got := ask(s, r)
		if got.status != 400 || got.code != "MPC.10202" {
			t.Errorf("%s: %d %s", name, got.status, got.code)
		}
	}
	ask(newSimulator(t, Config{}), queryRequest(eleven[:10]...)).want(t, 200, "")
}

func TestErrorsCarryTheirRequestIDTwice(t *testing.T) {
	s := newSimulator(t, Config{UnknownNotFound: true})
	got := ask(s, retryRequest("none"))
	var body struct {
		Message   string `json:"error_msg"`
		RequestID string `json:"request_id"`
	}
	must(t, json.Unmarshal([]byte(got.body), &body))
	if body.Message == "" || body.RequestID == "" || body.RequestID != got.header.Get("X-Request-Id") {
		t.Fatalf("body %s, header %v", got.body, got.header)
	}
	if other := ask(s, retryRequest("none")); other.header.Get("X-Request-Id") == body.RequestID {
		t.Fatal("two requests share an id")
	}
}

func TestUnpublishedPathsAreTheGatewaysAffair(t *testing.T) {
	s := newSimulator(t, Config{})
	ask(s, httptest.NewRequest(http.MethodPut, "/v2/p/remux", nil)).want(t, 404, "APIGW.0101")
	ask(s, httptest.NewRequest(http.MethodDelete, "/v1/p/remux", nil)).want(t, 404, "APIGW.0101")
}

func TestSetTaskRefusesWhatMPCDoesNotHave(t *testing.T) {
	s := newSimulator(t, Config{})
	for _, task := range []Task{{}, {ID: "a", Status: "DONE"}, {ID: "a", Then: StatusCanceled}} {
		if s.SetTask(task) == nil {
			t.Errorf("%+v was registered", task)
		}
	}
}
