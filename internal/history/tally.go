package history

import (
	"cmp"
	"slices"
	"sync"
)

// keepFirst and keepLatest are how many entries of each kind are kept. A storm
// about one task may have left hundreds of thousands; a person reads how it began
// and how it ended.
const (
	keepFirst  = 10
	keepLatest = 100
)

// kinds in the order in which entries of one moment are told: a question comes
// before its answer.
var kinds = []Kind{FailureEvent, DeadLetter, Outcome, Recovered}

// event is a place in the failed topic. The offsets of a topic that was deleted and
// created again begin at 0 again, the times do not.
type event struct {
	partition      int
	offset, millis int64
}

func (a *Answer) event() event { return event{a.Partition, a.Offset, a.EventTime.UnixMilli()} }

// tally gathers a task's entries in whatever order they are read. Of what it drops
// it keeps where the answered events stand, which is some 50 bytes for each.
type tally struct {
	all bool // nothing is dropped

	mu   sync.Mutex
	kept map[Kind][]Entry
	gap  Gap
	// answered are the events whose outcomes were dropped.
	answered map[event]struct{}
}

func newTally(all bool) *tally {
	return &tally{all: all, kept: map[Kind][]Entry{}, answered: map[event]struct{}{}}
}

func (t *tally) add(e Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept[e.Kind] = append(t.kept[e.Kind], e)
	if len(t.kept[e.Kind]) == 2*(keepFirst+keepLatest) {
		t.shorten(e.Kind)
	}
}

// shorten drops what lies between the first and the latest of a kind. Whatever is
// read later, it can be neither.
func (t *tally) shorten(kind Kind) {
	of := t.kept[kind]
	if t.all || len(of) <= keepFirst+keepLatest {
		return
	}
	slices.SortFunc(of, earlier)
	dropped := of[keepFirst : len(of)-keepLatest]
	for _, e := range dropped {
		if e.Outcome != nil {
			t.answered[e.Outcome.event()] = struct{}{}
		}
	}
	if first := dropped[0].At; t.gap.Count == 0 || first.Before(t.gap.First) {
		t.gap.First = first
	}
	if last := dropped[len(dropped)-1].At; last.After(t.gap.Last) {
		t.gap.Last = last
	}
	t.gap.Count += len(dropped)
	t.kept[kind] = slices.Delete(of, keepFirst, len(of)-keepLatest)
}

func earlier(a, b Entry) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)),
		cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Topic, b.Topic))
}

// into puts the entries into a History, in order, and sees which events were
// answered, which were passed over, and by which outcome an event was answered
// first.
func (t *tally) into(h *History, committed map[int]int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, kind := range kinds {
		t.shorten(kind)
		h.Entries = append(h.Entries, t.kept[kind]...)
	}
	if t.gap.Count > 0 {
		h.LeftOut = &t.gap
	}
	slices.SortFunc(h.Entries, earlier)
	told, succeeded := map[event]bool{}, map[event]bool{}
	for i := range h.Entries {
		if a := h.Entries[i].Outcome; a != nil {
			a.Repeat, told[a.event()] = told[a.event()], true
		}
		if s := h.Entries[i].Recovery; s != nil {
			s.Repeat, succeeded[s.event()] = succeeded[s.event()], true
		}
	}
	for i := range h.Entries {
		e := &h.Entries[i]
		if e.Failure == nil {
			continue
		}
		at := event{e.Partition, e.Offset, e.At.UnixMilli()}
		_, dropped := t.answered[at]
		low, known := committed[e.Partition]
		e.Failure.Answered = told[at] || dropped
		e.Failure.PassedOver = !e.Failure.Answered && known && e.Offset < low
	}
}
