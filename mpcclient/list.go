package mpcclient

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"
)

const (
	// PageSize is the largest number of tasks on a page of the list, MPC's own limit.
	PageSize = 100
	// maxPage bounds the bytes read of a page: 80 KiB for each task.
	maxPage = 8 << 20
	// timeLayout is how MPC writes times, in UTC.
	timeLayout = "20060102150405"
)

// ListQuery says which tasks are listed.
type ListQuery struct {
	// Status is the tasks' state; empty: any.
	Status Status
	// Since and Until are the range, in whole seconds; zero: no limit. The vendor's documents
	// do not say which of a task's times it applies to.
	Since, Until time.Time
	// Page counts from 0.
	Page int
}

// TaskPage is one page of the list.
type TaskPage struct {
	Tasks []ListedTask
	// Odd counts the entries of the page that cannot be read as a task.
	Odd int
	// Total is the length of the whole list, as MPC reports it; 0 if it does not.
	Total int
}

// ListedTask is an entry of the list.
type ListedTask struct {
	Task
	// EndTime is when the task ended, by MPC's clock; zero if MPC does not say.
	EndTime time.Time
	// UserData is what the task's creator gave to it.
	UserData string
}

// UnmarshalJSON reads each field as a string or a number.
func (t *ListedTask) UnmarshalJSON(data []byte) error {
	var wire struct {
		EndTime  lenientString `json:"end_time"`
		UserData lenientString `json:"user_data"`
	}
	if err := t.Task.UnmarshalJSON(data); err != nil {
		return err
	}
	if err := json.Unmarshal(data, &wire); err != nil {
		return err
	}
	t.UserData = string(wire.UserData)
	t.EndTime = time.Time{}
	if ended, err := time.Parse(timeLayout, string(wire.EndTime)); err == nil {
		t.EndTime = ended
	}
	return nil
}

// List asks for one page of the project's tasks
// (GET /v1/{project_id}/remux?status=…&start_time=…&end_time=…&page=…&size=100). It needs
// the same permission as [Client.Query].
//
// Only a well-formed 2xx answer counts; anything else is an [*Error].
func (c *Client) List(ctx context.Context, q ListQuery) (TaskPage, error) {
	values := url.Values{"page": {strconv.Itoa(q.Page)}, "size": {strconv.Itoa(PageSize)}}
	if q.Status != "" {
		values.Set("status", string(q.Status))
	}
	if !q.Since.IsZero() {
		values.Set("start_time", q.Since.UTC().Format(timeLayout))
	}
	if !q.Until.IsZero() {
		values.Set("end_time", q.Until.UTC().Format(timeLayout))
	}
	a, failure := c.call(ctx, request{operation: OperationList, template: c.query, query: canonicalQuery(values), largest: maxPage})
	if failure != nil {
		return TaskPage{}, failure
	}
	page, err := readPage(a)
	if err != nil {
		e := c.judge(OperationList, a)
		e.Err = c.describe(fmt.Errorf("the answer is not a page of tasks: %w", err))
		return TaskPage{}, e
	}
	return page, nil
}

// readPage reads {"total":n,"tasks":[…]}. It rejects an answer that is not clearly a page:
// taken for an empty page, it would end the list too early.
func readPage(a answer) (TaskPage, error) {
	var wire struct {
		Total     *text             `json:"total"`
		Tasks     []json.RawMessage `json:"tasks"`
		ErrorCode lenientString     `json:"error_code"`
	}
	if err := a.decode(&wire); err != nil {
		return TaskPage{}, err
	}
	switch {
	case wire.ErrorCode != "":
		return TaskPage{}, errors.New("it holds an error_code")
	case wire.Total == nil && wire.Tasks == nil:
		return TaskPage{}, errors.New("it has neither total nor tasks")
	case len(wire.Tasks) > PageSize:
		return TaskPage{}, fmt.Errorf("it has %d tasks, %d were asked for", len(wire.Tasks), PageSize)
	}
	var page TaskPage
	if wire.Total != nil && *wire.Total != "" {
		total, err := strconv.ParseUint(string(*wire.Total), 10, 31)
		if err != nil {
			return TaskPage{}, errors.New("total is not a number")
		}
		page.Total = int(total)
	}
	for _, one := range wire.Tasks {
		var t ListedTask
		if err := json.Unmarshal(one, &t); err != nil || t.ID == "" {
			page.Odd++ // an unreadable entry must not hide the others
			continue
		}
		page.Tasks = append(page.Tasks, t)
	}
	return page, nil
}
