package simulation

import (
	"errors"
	"time"

	"remux-retrier/internal/simulation/memlog"
)

// outcomePartition is a partition of an outcome topic.
type outcomePartition struct {
	topic     string
	partition int
}

// noPartition is no partition.
var noPartition = outcomePartition{}

var errLeaderless = errors.New("the partition has no leader")

// partitionOf is the partition for a task's outcome in an outcome topic.
func (w *world) partitionOf(t *task, topic string) outcomePartition {
	partitions := w.retried
	if topic == topicRetryFailed {
		partitions = w.refused
	}
	return outcomePartition{topic, memlog.PartitionOf([]byte(t.id), partitions)}
}

// goesTo: the task's outcome may have to be written there.
func (w *world) goesTo(t *task, o outcomePartition) bool {
	return o != noPartition && w.partitionOf(t, o.topic) == o
}

func (w *world) setUnwritable(o outcomePartition) {
	if w.unwritable != o {
		w.tell("outcomes cannot be written to: %v", o)
		w.unwritable = o
		w.doubts = true // what a generation cannot write before its end is unknown to the next
	}
}

// leaderless: one partition of an outcome topic cannot be written to for a while.
func (w *world) leaderless() {
	o := outcomePartition{topicRetried, w.rand.IntN(w.retried)}
	if chance(w.rand, 0.3) {
		o = outcomePartition{topicRetryFailed, w.rand.IntN(w.refused)}
	}
	w.setUnwritable(o)
	if !w.aftermath.unwritable {
		w.later(time.Millisecond, 30*time.Second, func() { w.setUnwritable(noPartition) })
	}
}

// knownUnwritable is how long a partition may be unwritable before no more tasks are called
// whose outcomes would go there, except those already waiting for their turn.
const knownUnwritable = 5 * time.Second

// noteWrite notes a write to an outcome partition.
func (i *instance) noteWrite(o outcomePartition, err error) {
	if err == nil {
		delete(i.unwritten, o)
	} else if _, ok := i.unwritten[o]; !ok {
		i.unwritten[o] = i.w.s.now
	}
}

// checkWritable: an instance that knows that an outcome cannot be written does not call for
// it.
func (w *world) checkWritable(c *call) {
	i := c.by
	if w.throttles() || w.mpc.faults != normal || w.s.now-w.mpc.normalSince < knownUnwritable {
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
