package ledger

import "maps"

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
}

// logOf is a partition with its log's name.
type logOf struct {
	partition int
	name      int64
}

func newLogs() logs { return logs{names: map[int]int64{}, ends: map[logOf]int64{}} }

// covered takes note of a cover.
func (l *logs) covered(partition int, name, end int64) {
	at := logOf{partition, name}
	if before, ok := l.ends[at]; end > before && (ok || len(l.ends) < maxLogs) {
		l.ends[at] = end
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
