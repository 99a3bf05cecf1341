package simulation

import (
	"errors"
	"time"

	"remux-retrier/internal/simulation/memlog"
)

// outcomes is a partition of an outcome topic.
type outcomes struct {
	topic     string
	partition int
}

// nowhere is no partition.
var nowhere = outcomes{}

var errLeaderless = errors.New("the partition has no leader")

// partitionOf is where a task's outcome goes in an outcome topic.
func (w *world) partitionOf(t *task, topic string) outcomes {
	partitions := w.retried
	if topic == topicRetryFailed {
		partitions = w.refused
	}
	return outcomes{topic, memlog.PartitionOf([]byte(t.id), partitions)}
}

// goesTo: the task's outcome may have to be written there.
func (w *world) goesTo(t *task, o outcomes) bool {
	return o != nowhere && w.partitionOf(t, o.topic) == o
}

func (w *world) setUnwritable(o outcomes) {
	if w.unwritable != o {
		w.tell("outcomes cannot be written to: %v", o)
		w.unwritable = o
		w.doubts = true // what a generation cannot write before its end is not known to the next
	}
}

// leaderless: one partition of an outcome topic cannot be written to for a while.
func (w *world) leaderless() {
	o := outcomes{topicRetried, w.rand.IntN(w.retried)}
	if chance(w.rand, 0.3) {
		o = outcomes{topicRetryFailed, w.rand.IntN(w.refused)}
	}
	if r := w.recoveries; r.on && chance(r.rand, 0.3) {
		o = outcomes{topicRecovered, r.rand.IntN(r.partitions)}
	}
	w.setUnwritable(o)
	if !w.calm.unwritable {
		w.later(time.Millisecond, 30*time.Second, func() { w.setUnwritable(nowhere) })
	}
}

// knownUnwritable is how long a partition may not take an outcome until no more tasks
// are called whose outcomes would go there, but those that wait for their turn already.
const knownUnwritable = 5 * time.Second

// tried takes note of a write to an outcome partition.
func (i *instance) tried(o outcomes, err error) {
	if err == nil {
		delete(i.unwritten, o)
	} else if _, ok := i.unwritten[o]; !ok {
		i.unwritten[o] = i.w.s.now
	}
}

// checkWritable: who knows that an outcome cannot be written does not call for it.
func (w *world) checkWritable(c *call) {
	i := c.by
	if w.throttles() || w.mpc.weather != fair || w.s.now-w.mpc.fairSince < knownUnwritable {
		return // calls may have waited for long
	}
	turns := 2 * time.Duration(w.inFlight) * max(w.interval(i.assigned), time.Second)
	for _, topic := range []string{topicRetried, topicRetryFailed} {
		o := w.partitionOf(c.task, topic)
		if since, ok := i.unwritten[o]; ok && o == w.unwritable && w.s.now-since > knownUnwritable+turns {
			w.violate("a call's outcome can be written", "instance %s calls for task %s, and for %v has failed to write to partition %d of %s, where its outcome would go",
				i.name, c.task.id, w.s.now-since, o.partition, o.topic)
		}
	}
}
