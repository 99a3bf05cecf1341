package mpcclient

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
)

func TestQueryReadsStringsAndNumbersExactly(t *testing.T) {
	const long = "184467440737095516161234567890"
	tests := []struct {
		name, body string
		want       []Task
	}{
		{"strings", `{"total":1,"tasks":[{"task_id":"538526","status":"FAILED","error_code":"MPC.10105","description":"no"}]}`,
			[]Task{{"538526", StatusFailed, "MPC.10105", "no"}}},
		{"numbers", `{"total":"2","tasks":[{"task_id":538526,"status":"WAITING","error_code":0},{"task_id":` + long + `,"status":"INIT"}]}`,
			[]Task{{"538526", StatusWaiting, "0", ""}, {long, StatusInit, "", ""}}},
		{"both spellings of success", `{"tasks":[{"task_id":"538526","status":"SUCCEED"},{"task_id":"a&b","status":"SUCCEEDED"}]}`,
			[]Task{{"538526", StatusSucceeded, "", ""}, {"a&b", StatusSucceeded, "", ""}}},
		{"unknown state", `{"total":1,"tasks":[{"task_id":"538526","status":"PAUSED"}]}`, []Task{{"538526", "PAUSED", "", ""}}},
		{"unknown fields", `{"total":1,"x":{},"tasks":[{"task_id":"538526","status":"CANCELED","input":{"object":1},"description":null}]}`,
			[]Task{{"538526", StatusCanceled, "", ""}}},
		{"the same twice", `{"total":2,"tasks":[{"task_id":1,"status":"PROCESSING"},{"task_id":"1","status":"PROCESSING"}]}`,
			[]Task{{"1", StatusProcessing, "", ""}}},
		{"much user_data", `{"total":1,"tasks":[{"task_id":"1","status":"FAILED","user_data":"` + strings.Repeat("x", 10*maxBody) + `"}]}`,
			[]Task{{"1", StatusFailed, "", ""}}},
		{"none", `{"total":0,"tasks":[]}`, nil},
		{"none, as null", `{"total":0,"tasks":null}`, nil},
		{"none, left out", `{"total":0}`, nil},
		{"none, without total", `{"tasks":[]}`, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			api := newRecorder(t, answering(200, test.body))
			got, err := newClient(t, api.URL).Query(t.Context(), []string{"538526", long, "a&b", "1"})
			if err != nil {
				t.Fatal(err)
			}
			want := map[string]Task{}
			for _, task := range test.want {
				want[task.ID] = task
			}
			if !maps.Equal(got, want) {
				t.Errorf("got %v, want %v", got, want)
			}
		})
	}
}

// A missing id means a final task_not_found, so an answer that is not clearly complete must
// be rejected.
func TestAnswersThatAreNoTaskListDecideNothing(t *testing.T) {
	for name, body := range map[string]string{
		"empty":              "",
		"html":               "<html>",
		"null":               "null",
		"array":              "[]",
		"empty object":       "{}",
		"tasks null":         `{"tasks":null}`,
		"cut short":          `{"total":1,"tasks":[`,
		"too long":           `{"total":0,"tasks":[],"x":"` + strings.Repeat("x", maxList) + `"}`,
		"more behind":        `{"total":0,"tasks":[]}` + strings.Repeat(" ", maxList) + "<html>",
		"error code":         `{"error_code":"MPC.10202","total":0,"tasks":[]}`,
		"total of others":    `{"total":3,"tasks":null}`,
		"page of more":       `{"total":2,"tasks":[{"task_id":"1","status":"FAILED"}]}`,
		"total no number":    `{"total":"some","tasks":[]}`,
		"not asked for":      `{"total":1,"tasks":[{"task_id":"9","status":"FAILED"}]}`,
		"rounded id":         `{"total":1,"tasks":[{"task_id":1e0,"status":"FAILED"}]}`,
		"no status":          `{"total":1,"tasks":[{"task_id":"1"}]}`,
		"status null":        `{"total":1,"tasks":[{"task_id":"1","status":null}]}`,
		"no id":              `{"total":1,"tasks":[{"status":"FAILED"}]}`,
		"null task":          `{"total":1,"tasks":[null]}`,
		"id an object":       `{"total":1,"tasks":[{"task_id":{},"status":"FAILED"}]}`,
		"twice, differently": `{"total":2,"tasks":[{"task_id":"1","status":"FAILED"},{"task_id":"1","status":"WAITING"}]}`,
	} {
		t.Run(name, func(t *testing.T) {
			api := newRecorder(t, answering(200, body))
			got, err := newClient(t, api.URL).Query(t.Context(), []string{"1", "2"})
			e := failure(t, err, Transient)
			if got != nil || e.Operation != OperationQuery || e.Err == nil {
				t.Errorf("got %v, %+v", got, *e)
			}
		})
	}
}

func TestQueryAsksForAllIDsAtOnceAndEscapesThem(t *testing.T) {
	api := newRecorder(t, answering(200, `{"total":0}`))
	ids := []string{"538526", "a b&c=d", "+~/ü", "%"}
	if _, err := newClient(t, api.URL).Query(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
	seen := api.seen()
	if len(seen) != 1 || seen[0].method != "GET" || seen[0].body != "" || seen[0].header.Get("Content-Type") != "" {
		t.Fatalf("got %+v", seen)
	}
	for _, name := range []string{"Content-Length", "Transfer-Encoding"} {
		if v := seen[0].header.Get(name); v != "" {
			t.Errorf("a GET came with %s: %s", name, v)
		}
	}
	path, query, _ := strings.Cut(seen[0].uri, "?")
	values, err := url.ParseQuery(query)
	if err != nil || path != "/v1/"+project+"/remux" {
		t.Fatalf("asked %s: %v", seen[0].uri, err)
	}
	slices.Sort(ids)
	if len(values) != 1 || !slices.Equal(values["task_id"], ids) {
		t.Errorf("asked for %v, want %v", values, ids)
	}
}

func TestQueryRefusesAWrongNumberOfIDs(t *testing.T) {
	api := newRecorder(t, answering(200, `{"total":0}`))
	c := newClient(t, api.URL)
	for _, ids := range [][]string{nil, {}, {""}, make([]string, 11), slices.Repeat([]string{"1"}, 11)} {
		if _, err := c.Query(t.Context(), ids); err == nil {
			t.Errorf("%d ids were accepted", len(ids))
		}
	}
	if _, err := c.Query(t.Context(), slices.Repeat([]string{"1"}, 10)); err != nil {
		t.Errorf("10 ids: %v", err)
	}
	if n := len(api.seen()); n != 1 {
		t.Errorf("%d requests were sent", n)
	}
}

func TestMissingPermissionToQueryIsRecognized(t *testing.T) {
	api := newRecorder(t, answering(403, `{"error_code":"APIGW.0302","error_msg":"not authorized"}`))
	_, err := newClient(t, api.URL).Query(t.Context(), []string{"1"})
	if e := failure(t, err, Operator); !e.Forbidden() || !strings.Contains(e.Advice, "mpc:remuxTsk:view") {
		t.Errorf("got %+v", *e)
	}
}
