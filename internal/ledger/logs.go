package ledger

import (
	"maps"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// maxLogs bounds how many logs are tracked. There is one for each partition, and another
// each time the topic was recreated within the window.
const maxLogs = 1 << 16

// logs tracks the logs of the failed topic's partitions, by log id.
type logs struct {
	// ids of the assigned partitions' logs: covers of other logs do not apply. After an
	// operator has set the offset the id is unknown (0), and all covers apply.
	ids map[int]int64
	// ends are the highest cover ends.
	ends map[logKey]int64
	// ranges are the ranges of the partitions, read before the current batch of outcomes;
	// empty: unknown.
	ranges []consumer.Interval
}

// logKey identifies a log of a partition.
type logKey struct {
	partition int
	id        int64
}

func newLogs() logs { return logs{ids: map[int]int64{}, ends: map[logKey]int64{}} }

// noteCovers notes where an outcome's covers end, for as many covers as are kept.
func (l *logs) noteCovers(o *events.Outcome) {
	for i, c := range o.Covers {
		at := logKey{c.Partition, c.LogID}
		if before, ok := l.ends[at]; (i < maxCovers || c.Partition == o.Source.Partition) && c.End > before && (ok || len(l.ends) < maxLogs) {
			l.ends[at] = c.End
		}
	}
}

// limit shortens an outcome's covers to events that exist: no call can have covered others.
func (l *logs) limit(covers []events.Cover) {
	if len(l.ranges) == 0 {
		return
	}
	for i := range covers {
		c := &covers[i]
		if c.Partition >= len(l.ranges) {
			c.End = 0
		} else {
			c.End = min(c.End, l.ranges[c.Partition].To)
		}
	}
}

// endOf is the highest cover end of the partition, in the log with this id, or in any log
// if the id is 0.
func (l *logs) endOf(partition int, id int64) (end int64) {
	if id != 0 {
		return l.ends[logKey{partition, id}]
	}
	for at, e := range l.ends {
		if at.partition == partition {
			end = max(end, e)
		}
	}
	return end
}

func (l *logs) forget(partition int) {
	maps.DeleteFunc(l.ends, func(at logKey, _ int64) bool { return at.partition == partition })
}
