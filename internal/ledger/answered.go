package ledger

import (
	"remux-retrier/consumer"
	"remux-retrier/events"
)

// maxAnswered bounds the answers kept for a partition while one event keeps its committed
// offset back. Above it, answers that were already asked about in this assignment are
// dropped. The next assignment reads them again.
const maxAnswered = 1 << 20

// answered holds the events of one partition that have an outcome. It is not safe for
// concurrent use.
type answered struct {
	// low is the committed offset or higher: events below it are not asked about.
	low int64
	// asked is the highest offset asked about, plus 1.
	asked int64
	max   int // entries of times
	// times holds the events' timestamps in Unix milliseconds, by offset.
	times map[int64]int64
	// others holds answers to different events with the same offsets: the topic was
	// recreated, and only the event itself shows which answer is current.
	others map[offsetTime]bool
	// recreated is set when that is noticed, so that it is reported once. The answers are
	// kept: their timestamps distinguish them.
	recreated bool

	// backlog is what must still be read for answers about this partition, in the part of
	// the topics that the ledger had read before the partition was assigned. whole: from
	// the first records of the topics. placed: the backlog is known.
	backlog       map[*source]consumer.Interval
	whole, placed bool
}

type offsetTime struct{ offset, time int64 }

func newAnswered() *answered {
	return &answered{max: maxAnswered, times: map[int64]int64{}, backlog: map[*source]consumer.Interval{}}
}

// continues reports whether the known answers, with the backlog, are all that an assignment
// starting at low needs. all: however old the answers are.
func (a *answered) continues(low int64, all bool) bool {
	return a != nil && a.placed && low >= a.low && (a.whole || !all)
}

// read notes that an outcome partition was read from one offset up to another.
func (a *answered) read(s *source, from, to int64) {
	left, ok := a.backlog[s]
	if !ok || left.From < from || left.From >= to {
		return
	}
	if left.From = to; left.From >= left.To {
		delete(a.backlog, s)
	} else {
		a.backlog[s] = left
	}
}

func (a *answered) add(event events.Source) {
	at := event.Time.UnixMilli()
	if event.Offset < a.low {
		return
	}
	if len(a.times) >= a.max && a.asked > a.low {
		a.raise(a.asked)
	}
	if before, ok := a.times[event.Offset]; !ok {
		a.times[event.Offset] = at
	} else if before != at && len(a.others) < a.max {
		if a.others == nil {
			a.others = map[offsetTime]bool{}
		}
		a.others[offsetTime{event.Offset, at}] = true
	}
}

// has reports whether the event is answered. If not, another reports whether a different
// event with the same offset is: then the topic was recreated.
func (a *answered) has(event events.Source) (yes, another bool) {
	a.asked = max(a.asked, event.Offset+1)
	at := event.Time.UnixMilli()
	before, ok := a.times[event.Offset]
	yes = ok && before == at || a.others[offsetTime{event.Offset, at}]
	return yes, ok && !yes
}

// precedes reports whether the answered event at an offset is older than the partition's
// current log. logID is the Unix time in milliseconds when the group began to read that log.
// That the answered event differs from the current one is expected then.
func (a *answered) precedes(offset, logID int64) bool { return a.times[offset] < logID }

// beyond reports whether an event at or above end is answered, which a partition ending
// there cannot contain.
func (a *answered) beyond(end int64) bool {
	for offset := range a.times {
		if offset >= end {
			return true
		}
	}
	return false
}

// raise drops the answers below a new committed offset.
func (a *answered) raise(low int64) {
	if low-a.low < int64(len(a.times)) {
		for offset := a.low; offset < low; offset++ {
			delete(a.times, offset)
		}
	} else {
		for offset := range a.times {
			if offset < low {
				delete(a.times, offset)
			}
		}
	}
	for p := range a.others {
		if p.offset < low {
			delete(a.others, p)
		}
	}
	a.low = max(a.low, low)
}
