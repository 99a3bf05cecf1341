package ledger

import (
	"maps"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// maxLogs bounds how many logs are told apart. There is one for each partition, and
// another whenever the topic was created anew within the window.
const maxLogs = 1 << 16

// logs are what is known of the failed topic's partitions by the names of their
// logs.
type logs struct {
	// names of the assigned partitions' logs: covers of others do not hold. Where an
	// operator has set the offset the name is lost: then all do.
	names map[int]int64
	// ends are the highest ends of covers.
	ends map[logOf]int64
	// now is what each partition spans, as it was known before the outcomes at hand
	// were read; empty if it is not known.
	now []consumer.Interval
}

// logOf is a partition with its log's name.
type logOf struct {
	partition int
	name      int64
}

func newLogs() logs { return logs{names: map[int]int64{}, ends: map[logOf]int64{}} }

// covered takes note of where an outcome's covers end: of as many as are kept.
func (l *logs) covered(o *events.Outcome) {
	for i, c := range o.Covers {
		at := logOf{c.Partition, c.Log}
		if before, ok := l.ends[at]; (i < maxCovers || c.Partition == o.Source.Partition) && c.End > before && (ok || len(l.ends) < maxLogs) {
			l.ends[at] = c.End
		}
	}
}

// believed takes from an outcome's covers what no call can have covered: events that
// have not come yet.
func (l *logs) believed(covers []events.Cover) {
	if len(l.now) == 0 {
		return
	}
	for i := range covers {
		c := &covers[i]
		if c.Partition >= len(l.now) {
			c.End = 0
		} else {
			c.End = min(c.End, l.now[c.Partition].To)
		}
	}
}

// endOf is the highest end of a cover of the partition: of the log with this name,
// or of any if it has none.
func (l *logs) endOf(partition int, name int64) (end int64) {
	if name != 0 {
		return l.ends[logOf{partition, name}]
	}
	for at, e := range l.ends {
		if at.partition == partition {
			end = max(end, e)
		}
	}
	return end
}

func (l *logs) forget(partition int) {
	maps.DeleteFunc(l.ends, func(at logOf, _ int64) bool { return at.partition == partition })
}
