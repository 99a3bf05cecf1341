package simulation

import (
	"fmt"
	"slices"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// grow adds a partition to the failed topic.
func (w *world) grow() {
	if !w.log.deleted && len(w.log.partitions) < 6 {
		w.disturb()
		w.log.grow(len(w.log.partitions) + 1)
		w.broker.Create(topicFailed, len(w.log.partitions))
		w.tell("the failed topic has %d partitions now", len(w.log.partitions))
	}
}

// deleteTopic deletes the failed topic and recreates it after a while.
func (w *world) deleteTopic() {
	if w.log.deleted {
		return
	}
	w.tell("the failed topic is deleted")
	w.doubts = true // calls in flight get no answer published
	w.log.deleted, w.log.until = true, w.seq()
	w.disturb()
	for _, records := range w.log.partitions {
		for _, e := range records {
			if e != nil {
				e.gone = true
			}
		}
	}
	w.broker.Delete(topicFailed)
	w.recreateLater()
}

// recreateLater recreates the deleted topic once all instances have had time to notice the
// deletion. Kafka's clients here know no topic ids: an instance that sleeps all the time,
// and finds more records in the new topic than in the old one, cannot distinguish them
// (docs/DESIGN.md).
func (w *world) recreateLater() {
	old := w.log
	w.out.after(between(w.rand, 10*time.Second, 20*time.Second), func() {
		switch {
		case w.log != old:
		case w.unreachable || slices.ContainsFunc(w.slots, func(i *instance) bool { return i != nil && i.proc.paused }):
			w.recreateLater()
		default:
			w.recreate()
		}
	})
}

func (w *world) recreate() {
	w.tell("the failed topic is created again")
	w.log = newFailedLog(1 + w.rand.IntN(4))
	w.disturb()
	w.broker.Create(topicFailed, len(w.log.partitions))
}

// retain makes retention delete a partition's first records, read or not.
func (w *world) retain() {
	if w.log.deleted {
		return
	}
	p := w.rand.IntN(len(w.log.partitions))
	first := w.rand.IntN(len(w.log.partitions[p]) + 1)
	for _, e := range w.log.partitions[p][:first] {
		if e != nil {
			e.gone = true
		}
	}
	w.tell("retention deletes records below %d/%d", p, first)
	w.disturb()
	w.broker.Retain(topicFailed, p, int64(first))
}

// expire deletes the group's positions, as brokers do when a group was empty for a week.
func (w *world) expire() {
	w.whileDown(func() {
		w.tell("the group's positions expire")
		w.expiredAt, w.logIDChanged, w.expired = w.seq(), w.seq(), map[int]consumer.Position{}
		for p := range w.log.partitions {
			if at, ok := w.broker.Position(p); ok {
				w.expired[p] = at
			}
		}
		for _, records := range w.log.partitions {
			for _, e := range records {
				if w.latest && e != nil && (!e.answered() || e.lacksRecovery()) {
					e.gone = true
				}
			}
		}
	})
}

// begun: the group has committed where it starts reading the partition, or knows that it
// was added later.
func (w *world) begun(partition int) bool {
	for p := range w.log.partitions {
		at, ok := w.broker.Position(p)
		if expired, yes := w.expired[p]; !ok || yes && expired == at {
			continue
		}
		metadata, err := consumer.ParseCommitMetadata(at.Metadata, at.Offset)
		if p == partition || err != nil || partition >= metadata.TopicPartitions {
			return true
		}
	}
	return false
}

// reset sets a partition's offset back, as an operator does.
func (w *world) reset() {
	w.whileDown(func() {
		p := w.rand.IntN(len(w.log.partitions))
		if at, ok := w.broker.Position(p); ok && !w.log.deleted {
			to := w.rand.Int64N(at.Offset + 1)
			w.tell("an operator resets partition %d from %d to %d", p, at.Offset, to)
			w.doubts, w.logIDChanged = true, w.seq()
			w.broker.Commit(p, consumer.Position{Offset: to})
		}
	})
}

// whileDown does something while no instance runs.
func (w *world) whileDown(do func()) {
	killed := chance(w.rand, 0.5)
	for _, i := range w.slots {
		if i != nil && killed {
			i.kill()
		} else if i.up() {
			i.stop()
		}
	}
	w.onceDown(do)
}

func (w *world) onceDown(do func()) {
	w.later(0, time.Second, func() {
		for _, i := range w.slots {
			if i != nil && !i.ended && !i.proc.dead {
				w.onceDown(do)
				return
			}
		}
		do()
		for _, i := range w.slots {
			if i != nil {
				w.comeBack(i)
			}
		}
	})
}

// foreignRecords writes records to the outcome topics that are not ours, or look like ours.
func (w *world) foreignRecords() {
	if w.unreachable {
		return
	}
	m := consumer.Message{Topic: topicRetried, Key: []byte("t0"), Value: []byte("no JSON")}
	if len(w.log.partitions[0]) > 0 && chance(w.rand, 0.7) {
		// Another group's answers to the same events.
		if e := w.log.partitions[0][w.rand.IntN(len(w.log.partitions[0]))]; e != nil && e.task != nil {
			o := events.Outcome{
				Reason: events.Accepted, Attempts: 1, DecidedAt: epoch.Add(w.s.now), Origin: events.OriginOf("another group"),
				Source:  events.Source{Topic: topicFailed, Partition: e.partition, Offset: e.offset, Time: e.stamp},
				Failure: events.Failure{TaskID: e.task.id}, Covers: []events.Cover{{Partition: e.partition, End: e.offset + 1000}},
			}
			message, err := o.Encode()
			if err != nil {
				panic(fmt.Sprintf("the foreign record cannot be written: %v", err))
			}
			m.Key, m.Value, m.Headers = message.Key, message.Value, message.Headers
		}
	}
	w.tell("foreign record on %s: %s", m.Topic, m.Value)
	w.broker.Append(m.Topic, w.rand.IntN(w.retried), m)
}
