//go:build kafka

package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// report logs what explains a failed soak: the seed, the faults, and the stories
// of the first tasks with a wrong account.
func (k *chaos) report(seed uint64) {
	if !k.t.Failed() {
		return
	}
	k.t.Logf("SOAK_SEED=%d\n--- faults, by seconds since the load began\n%s", seed, strings.Join(k.faultLog, "\n"))
	if len(k.wrongTasks) == 0 { // it failed before the account: list unanswered tasks
		for id, t := range k.tasks {
			for _, e := range t.events {
				if k.collector.of(e) == nil && !slices.Contains(k.wrongTasks, id) {
					k.wrongTasks = append(k.wrongTasks, id)
				}
			}
		}
	}
	for _, id := range firstFew(k.wrongTasks) {
		k.t.Logf("--- the story of task %s\n%s", id, strings.Join(k.story(id), "\n"))
	}
}

// story lists what is known of a task in the order of time: its events, the
// requests to MPC, the instances' log lines, and the outcomes.
func (k *chaos) story(id string) (lines []string) {
	type step struct {
		at   time.Time
		text string
	}
	var steps []step
	add := func(at time.Time, format string, args ...any) {
		steps = append(steps, step{at, fmt.Sprintf(format, args...)})
	}
	for _, e := range k.tasks[id].events {
		if o := k.collector.of(e); o == nil {
			add(e.Timestamp, "event %d/%d is published, and never answered", e.Partition, e.Offset)
		} else {
			add(e.Timestamp, "event %d/%d is published", e.Partition, e.Offset)
			add(o.record.Timestamp, "event %d/%d is answered %s, %s (%d attempts)", e.Partition, e.Offset, o.Outcome, o.Reason, o.Attempts)
		}
	}
	for _, o := range k.collector.repeated {
		if o.TaskID == id {
			add(o.record.Timestamp, "event %d/%d is answered again, %s, %s", o.FailedEvent.Partition, o.FailedEvent.Offset, o.Outcome, o.Reason)
		}
	}
	for _, q := range k.mpc.Requests() {
		if slices.Contains(q.TaskIDs, id) {
			add(q.At, "MPC: %s, %s %d %s, answer lost: %v", q.Operation, q.Verdict, q.Status, q.Code, q.Lost)
		}
	}
	for _, s := range k.services {
		for line := range strings.Lines(s.out.String()) {
			var entry struct {
				Time time.Time `json:"time"`
				Task string    `json:"task_id"`
			}
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Task == id {
				add(entry.Time, "%s: %s", s.name, strings.TrimSpace(line))
			}
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return a.at.Compare(b.at) })
	const most = 60 // of a long story, the end matters
	for _, s := range steps[max(0, len(steps)-most):] {
		lines = append(lines, fmt.Sprintf("%7.2fs %s", s.at.Sub(k.began).Seconds(), s.text))
	}
	return lines
}
