package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/mpcclient"
)

// recoveries is whether, and how, successes are reported. Its random numbers do not change
// the seeds without successes.
type recoveries struct {
	on         bool
	partitions int
	rand       *rand.Rand
}

func newRecoveries(seed uint64) recoveries {
	r := chances(seed, 3)
	return recoveries{on: chance(r, 0.3), partitions: 1 + r.IntN(2), rand: r}
}

// takes is how long a task runs that will succeed: sometimes it is done before the answer
// to the call arrives.
func (r recoveries) takes(usual time.Duration) time.Duration {
	if r.on && chance(r.rand, 0.5) {
		return between(r.rand, 0, 50*time.Millisecond)
	}
	return usual
}

// recovery is a published recovery.
type recovery struct {
	events.Recovery
	by      *instance
	seq     int
	attempt *attempt
}

// reportSuccess publishes MPC's notification that a task has succeeded: late, and
// sometimes repeatedly.
func (w *world) reportSuccess(t *task) {
	r := w.recoveries.rand
	if !w.recoveries.on {
		return
	}
	for range 1 + r.IntN(3) {
		e := &event{ignored: true, success: t, confirmed: true, value: fmt.Appendf(nil, `{"event_type":"RemuxComplete","remux_info":{"task_id":%q,"status":"SUCCEED"}}`, t.id)}
		if chance(r, 0.2) {
			e.value = fmt.Appendf(nil, `{"task_id":%q,"status":"SUCCEEDED"}`, t.id)
		}
		takes := between(r, 0, 300*time.Millisecond)
		if chance(r, 0.2) {
			takes = between(r, 0, 10*time.Second)
		}
		w.producers.pending++
		w.out.after(takes, func() { w.publish(e, t.key) })
	}
}

// recovered: a recovery is in its topic.
func (w *world) recovered(i *instance, m consumer.Message, a *attempt) {
	r, err := events.DecodeRecovery(m.Value, m.Headers)
	if err != nil {
		w.violate("recoveries can be read", "instance %s publishes %q: %v", i.name, m.Value, err)
		return
	}
	e := w.bySource[keyOf(r.Source)]
	failed := w.bySource[keyOf(r.Retry.Source)]
	if e == nil || e.success == nil || e.success.id != r.TaskID || failed == nil || failed.task != e.success {
		w.violate("recoveries report a success after a failure", "instance %s published a recovery for an unknown event: %s", i.name, m.Value)
		return
	}
	t := e.success
	i.tell("publishes that task %s has recovered (retries %d, after event %d/%d), for event %d/%d", t.id, r.Retries, failed.partition, failed.offset, e.partition, e.offset)
	// Documented: without the permission, some refusals count as running.
	if t.accepted == 0 && (w.mayQuery || t.behavior == retryable) {
		w.violate("no recovery without a retry", "instance %s reports that task %s has recovered, but no retry of it was accepted", i.name, t.id)
	}
	a.arrived = w.seq()
	one := &recovery{Recovery: r, by: i, seq: a.arrived, attempt: a}
	w.checkToldOnce(i, e, one)
	w.checkDone(i, e, a)
	e.recoveries = append(e.recoveries, one)
	t.recoveries = append(t.recoveries, one)
}

// noteDue notes the recoveries among the messages that are about to be written.
func (w *world) noteDue(messages []consumer.Message) {
	for _, m := range messages {
		if m.Topic != topicRecovered {
			continue
		}
		r, err := events.DecodeRecovery(m.Value, m.Headers)
		if e := w.bySource[keyOf(r.Source)]; err == nil && e != nil {
			of := keyOf(r.Retry.Source)
			e.due = &of
		}
	}
}

// lacksRecovery: the event has a recovery that is not published.
func (e *event) lacksRecovery() bool { return e.due != nil && len(e.recoveries) == 0 }

// checkDue: an event with a recovery is not committed before the recovery is published,
// unless another report of the same success has published it, or is not committed yet and
// will publish it.
func (w *world) checkDue(i *instance, e *event) {
	if !e.lacksRecovery() || e.gone || slices.ContainsFunc(e.success.events, func(e *event) bool { return e.gone }) {
		return
	}
	published := func(r *recovery) bool { return keyOf(r.Retry.Source) == *e.due }
	publishes := func(other *event) bool { return !other.committed }
	if slices.ContainsFunc(e.success.recoveries, published) || slices.ContainsFunc(w.reportsOf(e.success), publishes) {
		return
	}
	w.violate("no recovery is lost", "instance %s commits that event %d/%d (%s) is done, and its recovery is not published", i.name, e.partition, e.offset, e.value)
}

// checkToldOnce: a retry has one recovery, which is repeated only if necessary.
func (w *world) checkToldOnce(i *instance, e *event, r *recovery) {
	for _, former := range e.success.recoveries {
		if former.Source == r.Source {
			acked := former.attempt.acked
			if former.by == i && acked > 0 && acked < r.attempt.sent || former.seq < r.attempt.since {
				w.violate("3: no recovery is repeated without need", "the recovery for event %d/%d was published by %s, and again by %s, which must know", e.partition, e.offset, former.by.name, i.name)
			}
			continue
		}
		other := w.bySource[keyOf(former.Source)]
		if former.Retry.Source == r.Retry.Source && other.partition == e.partition && other.log == e.log && !other.gone && w.expiredAt == 0 {
			w.violate("one retry has one recovery", "the retry for event %d/%d has recovered task %s by event %d/%d, and by %d/%d",
				r.Retry.Source.Partition, r.Retry.Source.Offset, r.TaskID, other.partition, other.offset, e.partition, e.offset)
		}
	}
}

// checkRecovered: a task that has succeeded after a counted retry has a recovery, if the
// success was reported in the partition of its failures.
func (w *world) checkRecovered() {
	if !w.recoveries.on || !w.log.first || w.expiredAt > 0 {
		return
	}
	for _, t := range w.mpc.tasks {
		gone := func(e *event) bool { return e.gone }
		late := func(c *call) bool { return c.took && c.settled }
		counts := func(e *event) bool {
			return slices.ContainsFunc(e.outcomes, func(o *outcome) bool { return o.CountsAsRetry() })
		}
		reports := w.successesOf(t)
		if t.status != mpcclient.StatusSucceeded || len(t.recoveries) > 0 || len(reports) == 0 || t.spread || reports[0].partition != t.events[0].partition ||
			!slices.ContainsFunc(t.events, counts) || slices.ContainsFunc(t.events, gone) || slices.ContainsFunc(reports, gone) || slices.ContainsFunc(t.calls, late) {
			continue
		}
		w.violate("no recovery is lost", "task %s has succeeded after a retry, as event %d/%d reports, but there is no recovery", t.id, reports[0].partition, reports[0].offset)
	}
}

// successesOf returns the events by which MPC reports a task's success.
func (w *world) successesOf(t *task) []*event {
	return slices.DeleteFunc(w.reportsOf(t), func(e *event) bool { return !e.confirmed })
}

// reportsOf returns all events that report a task's success, true or not.
func (w *world) reportsOf(t *task) (all []*event) {
	for _, records := range w.log.partitions {
		for _, e := range records {
			if e != nil && e.success == t {
				all = append(all, e)
			}
		}
	}
	return all
}

func keyOf(s events.Source) sourceKey {
	return sourceKey{s.Partition, s.Offset, s.Time.UnixMilli()}
}
