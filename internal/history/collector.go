package history

import (
	"cmp"
	"slices"
	"sync"
)

// keepFirst and keepLatest are how many entries of each kind are kept. A task may have
// hundreds of thousands; a person needs the beginning and the end.
const (
	keepFirst  = 10
	keepLatest = 100
)

// kinds in the order of entries with the same time: events before their outcomes.
var kinds = []Kind{FailureEvent, DeadLetter, Outcome, Recovered}

// eventKey identifies a failure event. The time distinguishes events of a topic from those
// of the topic before it was recreated: offsets begin at 0 again.
type eventKey struct {
	partition      int
	offset, millis int64
}

func (a *Answer) event() eventKey { return eventKey{a.Partition, a.Offset, a.EventTime.UnixMilli()} }

// collector collects a task's entries, in any order. Of dropped outcomes it keeps only
// which events they answer, some 50 bytes for each.
type collector struct {
	all bool // nothing is dropped

	mu   sync.Mutex
	kept map[Kind][]Entry
	gap  Gap
	// answered are the events whose outcomes were dropped.
	answered map[eventKey]struct{}
}

func newCollector(all bool) *collector {
	return &collector{all: all, kept: map[Kind][]Entry{}, answered: map[eventKey]struct{}{}}
}

func (t *collector) add(e Entry) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.kept[e.Kind] = append(t.kept[e.Kind], e)
	if len(t.kept[e.Kind]) == 2*(keepFirst+keepLatest) {
		t.shorten(e.Kind)
	}
}

// shorten drops entries between the first and the latest of a kind. Entries that are added
// later can make no dropped entry one of the first or the latest.
func (t *collector) shorten(kind Kind) {
	entries := t.kept[kind]
	if t.all || len(entries) <= keepFirst+keepLatest {
		return
	}
	slices.SortFunc(entries, earlier)
	dropped := entries[keepFirst : len(entries)-keepLatest]
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
	t.kept[kind] = slices.Delete(entries, keepFirst, len(entries)-keepLatest)
}

func earlier(a, b Entry) int {
	return cmp.Or(a.At.Compare(b.At), cmp.Compare(slices.Index(kinds, a.Kind), slices.Index(kinds, b.Kind)),
		cmp.Compare(a.Partition, b.Partition), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.Topic, b.Topic))
}

// fill adds the entries to a History, in order. It sets which events were answered or
// skipped, and which outcomes and recoveries are repeats.
func (t *collector) fill(h *History, committed map[int]int64) {
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
	answered, recovered := map[eventKey]bool{}, map[string]bool{}
	for i := range h.Entries {
		if a := h.Entries[i].Outcome; a != nil {
			a.Repeat, answered[a.event()] = answered[a.event()], true
		}
		if s := h.Entries[i].Recovery; s != nil {
			s.Repeat, recovered[s.OutcomeID] = recovered[s.OutcomeID], true
		}
	}
	for i := range h.Entries {
		e := &h.Entries[i]
		if e.Failure == nil {
			continue
		}
		at := eventKey{e.Partition, e.Offset, e.At.UnixMilli()}
		_, dropped := t.answered[at]
		low, known := committed[e.Partition]
		e.Failure.Answered = answered[at] || dropped
		e.Failure.Skipped = !e.Failure.Answered && known && e.Offset < low
	}
}
