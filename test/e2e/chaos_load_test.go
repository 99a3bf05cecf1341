//go:build kafka

package e2e

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// chaosTask counts a task's failures and lists the events about it. A refused
// task is CANCELED: no retry of it is ever accepted.
//
// A task fails again only after all its events are answered. So each event belongs
// to one failure, and each failure needs one accepted retry.
type chaosTask struct {
	id       string
	failures int
	refused  bool
	events   []*kgo.Record
}

// load publishes until the context ends.
func (k *chaos) load(ctx context.Context, random *rand.Rand) {
	var order []*chaosTask
	for ctx.Err() == nil {
		t, events := k.next(random, order)
		if t != nil && k.tasks[t.id] == nil {
			k.tasks[t.id] = t
			order = append(order, t)
		}
		for _, e := range events {
			e.Topic = k.failed
		}
		// A broker may be away: the client retries, also after ctx has ended.
		if err := k.client.ProduceSync(k.ctx, events...).FirstErr(); err != nil {
			k.t.Errorf("publish: %v", err)
			return
		}
		k.addPublished(events...)
		switch {
		case t != nil:
			t.events = append(t.events, events...)
		case strings.Contains(string(events[0].Value), "SUCCEED"):
			k.expectNoAnswer(events...)
		default:
			k.garbage++
		}
		pause(ctx, time.Duration(random.IntN(60))*time.Millisecond)
	}
}

// next picks what is published: events of a task, or, without a task, events that
// need no call.
func (k *chaos) next(random *rand.Rand, order []*chaosTask) (*chaosTask, []*kgo.Record) {
	dice := random.IntN(100)
	if len(order) == 0 {
		dice = 0
	}
	fresh := func(refused bool, failures int) *chaosTask {
		return &chaosTask{id: fmt.Sprintf("soak-%d", len(order)), refused: refused, failures: failures}
	}
	switch {
	case dice < 60: // a task fails
		t := fresh(false, 1)
		return t, []*kgo.Record{event(t.id)}
	case dice < 72: // a producer repeats itself
		recent := order[max(0, len(order)-50):]
		t := recent[random.IntN(len(recent))]
		return t, []*kgo.Record{event(t.id)}
	case dice < 82: // a task fails again, if all its events are answered
		t := order[random.IntN(len(order))]
		if !t.refused && !slices.ContainsFunc(t.events, func(e *kgo.Record) bool { return k.collector.of(e) == nil }) {
			k.set(mpcsim.Task{ID: t.id, Status: mpcsim.StatusFailed})
			t.failures++
		}
		return t, []*kgo.Record{event(t.id)}
	case dice < 86: // a task that cannot be retried
		t := fresh(true, 0)
		k.set(mpcsim.Task{ID: t.id, Status: mpcsim.StatusCanceled})
		return t, []*kgo.Record{event(t.id)}
	case dice < 92:
		return nil, []*kgo.Record{{Key: fmt.Append(nil, dice), Value: fmt.Appendf(nil, `{"task_id":%d,`, random.Int())}}
	case dice < 98: // a known task has succeeded
		t := order[random.IntN(len(order))]
		return nil, []*kgo.Record{{Key: []byte(t.id), Value: fmt.Appendf(nil, `{"event_type":"RemuxComplete","remux_info":{"task_id":%q,"status":"SUCCEED"}}`, t.id)}}
	default: // a storm
		t := fresh(false, 1)
		var events []*kgo.Record
		for range 40 {
			events = append(events, event(t.id))
		}
		return t, events
	}
}

func (k *chaos) set(t mpcsim.Task) {
	if err := k.mpc.SetTask(t); err != nil {
		k.t.Error(err)
	}
}

// checkTasks checks each task: it was retried as often as it failed, and its
// outcomes agree.
func (k *chaos) checkTasks() {
	unqueried := k.calledWithoutQuery()
	for _, t := range k.tasks {
		wrong := ""
		if len(t.events) == 1 && unqueried[t.id] > 0 {
			wrong = "its only event was called again after an accepted call, without a state query in between"
		}
		if n := k.mpc.Accepted(t.id); n != t.failures {
			wrong = fmt.Sprintf("it failed %d times, and %d retries were accepted", t.failures, n)
		}
		for _, e := range t.events {
			switch o := k.collector.of(e); {
			case o == nil: // checkAccount has reported it
				wrong = "an event has no outcome"
			case t.refused && o.Reason != "not_retryable", !t.refused && o.Outcome != "retried":
				wrong = fmt.Sprintf("an event was answered: %s", o.record.Value)
			}
		}
		if wrong != "" {
			k.t.Errorf("task %s: %s", t.id, wrong)
			k.wrongTasks = append(k.wrongTasks, t.id)
		}
	}
}

// calledWithoutQuery counts, by task, the retry calls that follow an accepted one
// without a state query in between.
func (k *chaos) calledWithoutQuery() map[string]int {
	unqueried, accepted := map[string]int{}, map[string]bool{}
	for _, q := range k.mpc.Requests() {
		for _, id := range q.TaskIDs {
			switch {
			case q.Operation == mpcsim.Query:
				accepted[id] = accepted[id] && (q.Lost || q.Verdict != mpcsim.Accepted)
			case accepted[id]:
				unqueried[id]++
			default:
				accepted[id] = q.Verdict == mpcsim.Accepted
			}
		}
	}
	return unqueried
}

func (k *chaos) failures() (n int) {
	for _, t := range k.tasks {
		n += t.failures
	}
	return n
}

// pause waits for d, or until the context ends.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
