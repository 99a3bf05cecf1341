//go:build kafka

package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"
)

// tell says, of a soak that failed, what it takes to understand it: the seed,
// the faults, and the stories of the first tasks whose account is wrong.
func (k *chaos) report(seed uint64) {
	if !k.t.Failed() {
		return
	}
	k.t.Logf("SOAK_SEED=%d\n--- faults, by seconds since the load began\n%s", seed, strings.Join(k.faultLog, "\n"))
	if len(k.wrongTasks) == 0 { // it ended before the account: what has no answer?
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

// story is what is known of a task, in the order of time: its events, what MPC
// was asked, what the instances have logged, and the outcomes.
func (k *chaos) story(id string) (lines []string) {
	type scene struct {
		at   time.Time
		text string
	}
	var scenes []scene
	add := func(at time.Time, format string, args ...any) {
		scenes = append(scenes, scene{at, fmt.Sprintf(format, args...)})
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
			var said struct {
				Time time.Time `json:"time"`
				Task string    `json:"task_id"`
			}
			if json.Unmarshal([]byte(line), &said) == nil && said.Task == id {
				add(said.Time, "%s: %s", s.name, strings.TrimSpace(line))
			}
		}
	}
	slices.SortStableFunc(scenes, func(a, b scene) int { return a.at.Compare(b.at) })
	const most = 60 // a storm's story is its end
	for _, s := range scenes[max(0, len(scenes)-most):] {
		lines = append(lines, fmt.Sprintf("%7.2fs %s", s.at.Sub(k.began).Seconds(), s.text))
	}
	return lines
}
