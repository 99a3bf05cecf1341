package mpcclient

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"
	"unicode/utf8"
)

// Retry asks MPC to run a failed remux task again (PUT /v1/{project_id}/remux, "Retrying a
// Packaging Task").
//
// Nil means that MPC has accepted the retry: a 2xx status with an empty body or with a JSON
// object without an error_code. Anything else is an [*Error]. An error of class [Lost] may
// stand for an accepted retry, and packaging is billed: use [Client.Query] before calling
// again. A context that ends before the request is sent gives [Transient], later [Lost];
// errors.Is finds its error in both.
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
	a, failure := c.call(ctx, request{operation: OperationRetry, template: c.retry, body: body, largest: maxBody})
	if failure != nil {
		return failure
	}
	if !provesAcceptance(a) {
		return c.judge(OperationRetry, a)
	}
	return nil
}

// provesAcceptance distinguishes MPC's own answer from a captive portal's page, which has
// status 200 too.
func provesAcceptance(a answer) bool {
	if !a.truncated && len(bytes.TrimSpace(a.body)) == 0 {
		return true
	}
	var fields map[string]json.RawMessage
	if a.decode(&fields) != nil || fields == nil {
		return false
	}
	for name := range fields {
		if strings.EqualFold(name, "error_code") { // in any letter case: it is not the documented answer
			return false
		}
	}
	return true
}
