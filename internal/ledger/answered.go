package ledger

import (
	"remux-retrier/consumer"
	"remux-retrier/events"
)

// maxAnswered bounds the answers that are kept of a partition which one event holds
// up for long: beyond it those are dropped that were asked about in this assignment.
// The next one reads them again.
const maxAnswered = 1 << 20

// answered are the events of one partition that have an outcome. It is not safe
// for concurrent use.
type answered struct {
	// low is the committed offset, or higher: nobody asks about events below it.
	low int64
	// asked is beyond the highest offset that was asked about.
	asked int64
	max   int // of times
	// times are the events' timestamps in Unix milliseconds, by offset.
	times map[int64]int64
	// others are answers to other events with the same offsets: the topic was
	// deleted and created anew, and which of the two is of today only an event
	// can tell.
	others map[place]bool
	// recreated is set once that was noticed, so that it is noticed once. What
	// was answered need not be forgotten then: the timestamps tell it apart.
	recreated bool

	// backlog is what is still to be read for this partition's answers, of what the
	// ledger had read when the partition was assigned; whole: from the topics' first
	// records on. placed is set once the backlog is known.
	backlog       map[*source]consumer.Interval
	whole, placed bool
}

type place struct{ offset, time int64 }

func newAnswered() *answered {
	return &answered{max: maxAnswered, times: map[int64]int64{}, backlog: map[*source]consumer.Interval{}}
}

// continues tells whether what is known is all that an assignment needs which goes on
// at low, or will be when the backlog is read. all: however old the answers are.
func (a *answered) continues(low int64, all bool) bool {
	return a != nil && a.placed && low >= a.low && (a.whole || !all)
}

// read takes note that an outcome partition was read from one offset up to another.
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
			a.others = map[place]bool{}
		}
		a.others[place{event.Offset, at}] = true
	}
}

// has tells whether the event is answered; otherwise, whether another event with
// its offset is, which proves that there was another topic of this name.
func (a *answered) has(event events.Source) (yes, another bool) {
	a.asked = max(a.asked, event.Offset+1)
	at := event.Time.UnixMilli()
	before, ok := a.times[event.Offset]
	yes = ok && before == at || a.others[place{event.Offset, at}]
	return yes, ok && !yes
}

// precedes tells whether what is answered at an offset was an event from before the
// partition's log got its name: that it is another than stands there now is no news.
func (a *answered) precedes(offset, log int64) bool { return a.times[offset] < log }

// beyond tells whether an event is answered that a partition ending there cannot
// have.
func (a *answered) beyond(end int64) bool {
	for offset := range a.times {
		if offset >= end {
			return true
		}
	}
	return false
}

// raise passes the committed offset on.
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
