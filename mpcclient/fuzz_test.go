package mpcclient

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// FuzzReadTasks: an answer to a query is rejected, or contains only requested tasks, each
// with a status.
func FuzzReadTasks(f *testing.F) {
	for _, seed := range []string{
		`{"total":1,"tasks":[{"task_id":"1","status":"FAILED"}]}`, `{"total":0}`, `{"tasks":[]}`, `{"total":"2","tasks":[{"task_id":1,"status":"SUCCEED"},{"task_id":1,"status":"SUCCEED"}]}`,
		`{"error_code":"MPC.10202","tasks":[]}`, `{"total":-1,"tasks":null}`, `[]`, ``, "\x1f\x8b\x08", `{"total":1e3,"tasks":[{"task_id":"3"}]}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		ids := []string{"1", "2", "538526"}
		tasks, err := readTasks(answer{status: 200, header: http.Header{}, body: body}, ids)
		if err != nil {
			return
		}
		if !json.Valid(body) {
			t.Fatal("read, but no JSON")
		}
		for id, task := range tasks {
			if !slices.Contains(ids, id) || task.ID != id || task.Status == "" {
				t.Fatalf("%q: %+v", id, task)
			}
		}
	})
}

// FuzzReadError: whatever an API answers, its error is short, contains only text, and no
// credential.
func FuzzReadError(f *testing.F) {
	const token = "MIIFZxQ7vB2nWm9KpLr4TsYcHd0JgEuNaXo6bV1w"
	f.Add([]byte(`{"error_code":"MPC.10212","error_msg":"`+token+`"}`), 403, "id")
	f.Add([]byte(`{"error":{"code":"IAM.1","message":"`+base64.StdEncoding.EncodeToString([]byte("a"+token))+`"}}`), 401, token)
	f.Add([]byte("<html>"+token[:25]+"\x1b]0;x\x07"), 502, "\xff")
	f.Add([]byte(`{"error_msg":"MIIFZxQ7\u0076B2nWm9KpLr4TsYcHd0J"}`), 500, "")
	f.Fuzz(func(t *testing.T, body []byte, status int, id string) {
		e := readError(answer{status: status, header: http.Header{"X-Request-Id": {id}}, body: body}, newSecret(token))
		text := e.Error()
		for at := 0; at+16 <= len(token); at++ {
			if strings.Contains(text, token[at:at+16]) {
				t.Fatalf("%q tells of the token", text)
			}
		}
		if len(text) > 8<<10 {
			t.Fatalf("%d bytes", len(text))
		}
	})
}
