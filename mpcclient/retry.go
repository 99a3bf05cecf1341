package mpcclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"unicode/utf8"
)

// Retry asks MPC to run a failed remux task again (PUT /v1/{project_id}/remux, "Retrying a Packaging Task").
//
// Nil means that MPC has proven its acceptance: a 2xx status with an empty body, or with a JSON object that holds no
// error_code. Anything else is an [*Error]. An error of class [Lost] may stand for a retry that was accepted, and
// packaging is billed: ask [Client.Query] before calling again. A context that ends before the request was sent gives
// [Transient], later [Lost]; errors.Is finds its error in both.
func (c *Client) Retry(ctx context.Context, taskID string) error {
	if taskID == "" || !utf8.ValidString(taskID) { // JSON would turn the latter into another task's id
		return &Error{Operation: OperationRetry, Class: InvalidTask, Err: errors.New("the task id is empty or not UTF-8")}
	}
	body, err := json.Marshal(struct {
		TaskID string `json:"task_id"`
	}{taskID})
	if err != nil {
		return &Error{Operation: OperationRetry, Class: InvalidTask, Err: err}
	}
	a, failure := c.call(ctx, request{operation: OperationRetry, method: http.MethodPut, body: body})
	if failure != nil {
		return failure
	}
	if !provesAcceptance(a.body) {
		return c.judge(OperationRetry, a)
	}
	return nil
}

// provesAcceptance tells MPC's own answer from a captive portal's page, which comes with status 200 too.
func provesAcceptance(body []byte) bool {
	if len(bytes.TrimSpace(body)) == 0 {
		return true
	}
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		return false
	}
	_, refused := fields["error_code"]
	return !refused
}
