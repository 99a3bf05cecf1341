package mpcclient

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
)

// MaxQuery is how many task ids one query may contain.
const MaxQuery = 10

// Query returns the state of 1 to [MaxQuery] tasks (GET /v1/{project_id}/remux?task_id=…).
// A task that MPC does not know is missing from the map.
//
// Only a well-formed 2xx answer counts. Anything else is an [*Error] and says nothing about
// any of the tasks: a query may be refused because of one bad id. [Error.Forbidden] reports
// whether the permission to query is missing. A wrong number of ids, or an empty one, is
// an error too, but not an [*Error].
func (c *Client) Query(ctx context.Context, ids []string) (map[string]Task, error) {
	if len(ids) == 0 || len(ids) > MaxQuery || slices.Contains(ids, "") {
		return nil, fmt.Errorf("MPC query: expected 1 to %d task ids, none of them empty, got %d", MaxQuery, len(ids))
	}
	a, failure := c.call(ctx, request{
		operation: OperationQuery,
		template:  c.query,
		query:     canonicalQuery(url.Values{"task_id": ids}),
		largest:   maxList,
	})
	if failure != nil {
		return nil, failure
	}
	tasks, err := readTasks(a, ids)
	if err != nil {
		e := c.judge(OperationQuery, a)
		e.Err = c.describe(fmt.Errorf("the answer is not a list of the tasks asked for: %w", err))
		return nil, e
	}
	return tasks, nil
}

// readTasks reads {"total":n,"tasks":[…]}. A missing id means that the task does not exist,
// so an answer that is not clearly complete is rejected.
func readTasks(a answer, ids []string) (map[string]Task, error) {
	var wire struct {
		Total     *text         `json:"total"`
		Tasks     []Task        `json:"tasks"`
		ErrorCode lenientString `json:"error_code"`
	}
	if err := a.decode(&wire); err != nil {
		return nil, err
	}
	if wire.ErrorCode != "" {
		return nil, errors.New("it contains an error_code")
	}
	if wire.Total == nil && wire.Tasks == nil {
		return nil, errors.New("it has neither total nor tasks")
	}
	known := make(map[string]Task, len(wire.Tasks))
	for _, t := range wire.Tasks {
		if !slices.Contains(ids, t.ID) {
			return nil, fmt.Errorf("it names task %.40q, which was not asked for", t.ID)
		}
		if t.Status == "" {
			return nil, fmt.Errorf("task %.40q has no status", t.ID)
		}
		if other, twice := known[t.ID]; twice && other != t {
			return nil, fmt.Errorf("it names task %.40q twice, differently", t.ID)
		}
		known[t.ID] = t
	}
	if wire.Total != nil {
		total, err := strconv.ParseUint(string(*wire.Total), 10, 32)
		if err != nil {
			return nil, errors.New("total is not a number")
		}
		if total > uint64(len(wire.Tasks)) && slices.ContainsFunc(ids, func(id string) bool { _, ok := known[id]; return !ok }) {
			return nil, fmt.Errorf("total is %d, but it names %d tasks", total, len(wire.Tasks))
		}
	}
	return known, nil
}
