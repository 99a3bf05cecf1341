package ledger

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

const (
	// maxUnpublished is far more than can be called and not acknowledged.
	maxUnpublished = 1 << 16
	// maxOwn bounds the stretches of a partition that were not passed yet. There is
	// one for each write since the last look at the topics, a second ago.
	maxOwn = 1 << 12
)

// own is what this instance has decided and published itself.
type own struct {
	// unpublished are decisions about other events whose outcomes are not known to
	// be published. If the event comes again, it gets the same answer.
	unpublished map[eventPlace]unpublished
	// published are the offsets of our outcomes by outcome partition, ascending: they
	// need not be read back.
	published map[partitionOf][]consumer.Interval
}

// unpublished is what Covering tells of a decision about its own event. There may be
// thousands a second: a map keeps no more than 128 bytes in place.
type unpublished struct {
	task      string
	reason    events.Reason
	attempts  int
	accepted  bool // Outcome.AcceptedRetry
	covers    []events.Cover
	decidedAt time.Time
}

func (u unpublished) outcome(event events.Source) events.Outcome {
	return events.Outcome{
		Reason: u.reason, Attempts: u.attempts, AcceptedRetry: u.accepted, Source: event, Covers: u.covers, DecidedAt: u.decidedAt,
	}
}

type eventPlace struct {
	partition int
	place
}

type partitionOf struct {
	topic     string
	partition int
}

func newOwn() own {
	return own{unpublished: map[eventPlace]unpublished{}, published: map[partitionOf][]consumer.Interval{}}
}

func placeOf(event events.Source) eventPlace {
	return eventPlace{event.Partition, place{event.Offset, event.Time.UnixMilli()}}
}

// decided keeps of an outcome what Covering tells.
func (w *own) decided(o *events.Outcome) {
	if len(w.unpublished) < maxUnpublished {
		w.unpublished[placeOf(o.Source)] = unpublished{
			task: strings.Clone(o.Failure.TaskID), reason: o.Reason, attempts: o.Attempts, accepted: o.AcceptedRetry,
			covers: slices.Clone(o.Covers), decidedAt: o.DecidedAt,
		}
	}
}

// add takes note of published outcomes.
func (w *own) add(at partitionOf, stretch consumer.Interval) {
	list := w.published[at]
	i, _ := slices.BinarySearchFunc(list, stretch.From, func(s consumer.Interval, from int64) int { return cmp.Compare(s.From, from) })
	if i > 0 && list[i-1].To == stretch.From {
		list[i-1].To = stretch.To
		return
	}
	if len(list) == maxOwn { // what is not passed over is read back
		list, i = slices.Delete(list, 0, 1), max(i-1, 0)
	}
	w.published[at] = slices.Insert(list, i, stretch)
}

// pass is where to go on reading from an offset: behind what is our own. What lies
// before that is not asked about again.
func (w *own) pass(at partitionOf, next int64) int64 {
	list := w.published[at]
	passed := 0
	for ; passed < len(list) && list[passed].From <= next; passed++ {
		next = max(next, list[passed].To)
	}
	switch {
	case passed == len(list):
		delete(w.published, at)
	case passed > 0:
		w.published[at] = list[passed:]
	}
	return next
}

// has tells whether an offset is that of an outcome of ours.
func (w *own) has(at partitionOf, offset int64) bool {
	list := w.published[at]
	i, exact := slices.BinarySearchFunc(list, offset, func(s consumer.Interval, offset int64) int { return cmp.Compare(s.From, offset) })
	return exact || i > 0 && offset < list[i-1].To
}
