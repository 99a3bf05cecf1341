package simulation

import (
	"fmt"
	"hash/fnv"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/mpcclient"
)

// producers publish what MPC's notifications say: late, repeatedly, in a different order,
// with wrong clocks.
type producers struct {
	pending int           // events still to be published
	off     time.Duration // error of the producers' clocks
}

var behaviors = []behavior{retryable, retryable, retryable, retryable, retryable, refusing, absent, invalid, canceled, alwaysFails}

// produce creates the tasks and some other records.
func (w *world) produce() {
	if w.producersOff {
		w.producers.off = []time.Duration{-400 * 24 * time.Hour, -time.Hour, -time.Minute, time.Minute, 400 * 24 * time.Hour}[w.rand.IntN(5)]
	}
	for n := range w.tasks + w.aftermath.late {
		t := &task{id: fmt.Sprintf("t%d", n), behavior: behaviors[w.rand.IntN(len(behaviors))], code: "MPC.10105"}
		t.alwaysFailed, t.failsWith = t.behavior == alwaysFails, failureAnswers[w.rand.IntN(len(failureAnswers))]
		if chance(w.rand, 0.5) {
			t.again = w.rand.IntN(4)
		}
		if chance(w.rand, 0.1) {
			t.code = skippedCode
		}
		t.key = t.id
		if w.bursts && t.behavior == alwaysFails && chance(w.rand, 0.8) {
			t.behavior, t.alwaysFailed = retryable, false
		}
		switch {
		case w.bursts && n == 0:
			t.behavior, t.alwaysFailed = alwaysFails, true
		case w.bursts && n%2 == 0:
			t.key = w.mpc.tasks[0].id // behind its events
		}
		w.mpc.tasks = append(w.mpc.tasks, t)
		w.producers.pending++
		at := between(w.rand, 0, w.active)
		if n >= w.tasks {
			at = w.active + between(w.rand, 0, w.aftermath.lasts)
			if len(w.aftermath.rebalances) > 0 && chance(w.rand, 0.7) { // some are called for, and others wait
				at = w.active + w.aftermath.rebalances[0] + between(w.rand, -time.Second, w.session/2)
			}
		}
		w.out.after(at, func() {
			w.producers.pending--
			w.fail(t)
			if t.behavior == canceled {
				t.status = mpcclient.StatusCanceled
			}
		})
	}
	for range w.rand.IntN(4) {
		id := fmt.Sprintf("t%d", w.rand.IntN(9)) // of which it may be untrue
		w.publishLater(&event{ignored: true, success: w.mpc.find(id)}, "", fmt.Sprintf(`{"event_type":"RemuxComplete","remux_info":{"task_id":"%s","status":"SUCCEED"}}`, id))
	}
	for n := range w.rand.IntN(4) {
		w.publishLater(&event{}, "", []string{"no JSON", `{"task":1}`, "", `{"task_id":""}`}[n])
	}
}

// report publishes a task's failure: once, a few times, or in a burst.
func (w *world) report(t *task) {
	copies := 1
	switch dice := w.rand.Float64(); {
	case w.bursts && t.behavior == alwaysFails:
		copies = 20 + w.rand.IntN(180)
		if len(w.log.partitions) > 10 {
			copies *= 4 // more than a partition looks ahead
		}
	case dice < 0.1:
		copies = 5 + w.rand.IntN(20)
	case dice < 0.4:
		copies = 2 + w.rand.IntN(3)
	}
	for range copies {
		w.publishLater(&event{task: t, failure: t.failures, code: t.code}, t.key, fmt.Sprintf(`{"task_id":"%s","error_code":"%s"}`, t.id, t.code))
	}
}

// publishLater publishes a record soon, sometimes only after seconds.
func (w *world) publishLater(e *event, key, value string) {
	e.value = []byte(value)
	w.producers.pending++
	takes := between(w.rand, 0, 300*time.Millisecond)
	switch {
	case e.task != nil && w.bursts:
		takes = between(w.rand, 0, 10*time.Second)
	case e.task == nil:
		takes = between(w.rand, 0, w.active)
	case chance(w.rand, 0.15):
		takes = between(w.rand, 0, 10*time.Second)
	}
	w.out.after(takes, func() { w.publish(e, key) })
}

// publish appends the record as soon as the brokers are reachable.
func (w *world) publish(e *event, key string) {
	l := w.log
	if w.unreachable || l.deleted {
		w.out.after(between(w.rand, 0, time.Second), func() { w.publish(e, key) })
		return
	}
	w.producers.pending--
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // it never fails
	e.partition = int(h.Sum32() % uint32(len(l.partitions)))
	if key == "" || w.keyless {
		e.partition = w.rand.IntN(len(l.partitions))
	}
	if chance(w.rand, 0.05) { // an aborted transaction
		w.broker.Skip(topicFailed, e.partition, 2)
		l.partitions[e.partition] = append(l.partitions[e.partition], nil, nil)
	}
	off := w.producers.off
	if off != 0 {
		off += between(w.rand, -time.Minute, time.Minute)
	}
	e.log, e.seq, e.at, e.offset = l, w.seq(), w.s.now, int64(len(l.partitions[e.partition]))
	e.stamp = epoch.Add(w.s.now + off).Truncate(time.Millisecond)
	// Only timestamps distinguish a recreated topic from the former one.
	for w.bySource[e.key()] != nil {
		e.stamp = e.stamp.Add(time.Millisecond)
	}
	e.gone = w.latest && !w.begun(e.partition)
	w.bySource[e.key()] = e
	l.partitions[e.partition] = append(l.partitions[e.partition], e)
	if t := e.task; t != nil {
		if len(t.events) > 0 && t.events[0].partition != e.partition {
			t.spread = true
		}
		t.events = append(t.events, e)
	}
	w.tell("event %d/%d: %s (failure %d)", e.partition, e.offset, e.value, e.failure)
	w.broker.AppendAt(topicFailed, e.partition, e.stamp, consumer.Message{Topic: topicFailed, Key: []byte(key), Value: e.value})
}

func (e *event) key() sourceKey { return sourceKey{e.partition, e.offset, e.stamp.UnixMilli()} }
