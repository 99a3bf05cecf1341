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
	// maxUnpublished is far more than can be called and unacknowledged.
	maxUnpublished = 1 << 16
	// maxEarly bounds the events answered in the first minutes.
	maxEarly = 1 << 16
	// maxOwn bounds the intervals of a partition that were not skipped yet. There is one
	// for each write since the last look at the topics, a second ago.
	maxOwn = 1 << 12
)

// own is what this instance has decided and published.
type own struct {
	// unpublished are the decisions that concern other events and whose outcomes are not
	// known to be published, each by the event that it answers. If that event is delivered
	// again, it gets the same answer.
	unpublished map[eventKey]unpublished
	// published are the offsets of our outcomes by outcome partition, ascending. They need
	// not be read back.
	published map[topicPartition][]consumer.Interval
	// early are the events that were answered while the wall clock was not trusted; nil: none.
	// Their records have this clock's time, which must not confirm it.
	early map[eventKey]bool
}

// unpublished is what Covering returns for a decision about its own event. There may be
// thousands a second, and map values of up to 128 bytes are stored inline.
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

type eventKey struct {
	partition int
	offsetTime
}

type topicPartition struct {
	topic     string
	partition int
}

func newOwn() own {
	return own{unpublished: map[eventKey]unpublished{}, published: map[topicPartition][]consumer.Interval{}}
}

func keyOf(event events.Source) eventKey {
	return eventKey{event.Partition, offsetTime{event.Offset, event.Time.UnixMilli()}}
}

// decided keeps what Covering returns for an outcome.
func (w *own) decided(o *events.Outcome) {
	if len(w.unpublished) < maxUnpublished {
		w.unpublished[keyOf(o.Source)] = unpublished{
			task: strings.Clone(o.Failure.TaskID), reason: o.Reason, attempts: o.Attempts, accepted: o.AcceptedRetry,
			covers: slices.Clone(o.Covers), decidedAt: o.DecidedAt,
		}
	}
}

// answeredEarly notes an event that is answered while the wall clock is not trusted.
func (w *own) answeredEarly(event events.Source) {
	if w.early == nil {
		w.early = map[eventKey]bool{}
	}
	if len(w.early) < maxEarly {
		w.early[keyOf(event)] = true
	}
}

// add notes published outcomes.
func (w *own) add(at topicPartition, interval consumer.Interval) {
	list := w.published[at]
	i, _ := slices.BinarySearchFunc(list, interval.From, func(s consumer.Interval, from int64) int { return cmp.Compare(s.From, from) })
	if i > 0 && list[i-1].To == interval.From {
		list[i-1].To = interval.To
		return
	}
	if len(list) == maxOwn { // what is dropped here is read back
		list, i = slices.Delete(list, 0, 1), max(i-1, 0)
	}
	w.published[at] = slices.Insert(list, i, interval)
}

// skip returns where to continue reading from an offset: after our own outcomes. Intervals
// below are dropped.
func (w *own) skip(at topicPartition, next int64) int64 {
	list := w.published[at]
	skipped := 0
	for ; skipped < len(list) && list[skipped].From <= next; skipped++ {
		next = max(next, list[skipped].To)
	}
	switch {
	case skipped == len(list):
		delete(w.published, at)
	case skipped > 0:
		w.published[at] = list[skipped:]
	}
	return next
}

// has reports whether an outcome of ours is at an offset.
func (w *own) has(at topicPartition, offset int64) bool {
	list := w.published[at]
	i, exact := slices.BinarySearchFunc(list, offset, func(s consumer.Interval, offset int64) int { return cmp.Compare(s.From, offset) })
	return exact || i > 0 && offset < list[i-1].To
}
