package consumer

import "time"

// position returns what may be committed now. Only the last commit of a generation may be
// clean again after a call: no call can start after it.
func (t *tracker) position(last bool) (low int64, m CommitMetadata) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m.Called = t.lead.called
	if last && t.clean() {
		m.Called = 0
	}
	low = t.next
	doneFrom := int64(-1) // start of the current run of answered offsets
	for _, e := range t.entries {
		switch {
		case e.resolved:
			continue
		case doneFrom < 0:
			low = e.offset
		case doneFrom < e.offset:
			m.Done = append(m.Done, Interval{doneFrom, e.offset})
		}
		doneFrom = e.offset + 1
	}
	if doneFrom >= 0 && doneFrom < t.next {
		m.Done = append(m.Done, Interval{doneFrom, t.next})
	}
	for _, i := range t.inherited.done {
		i.From = max(i.From, t.next)
		if last := len(m.Done) - 1; last >= 0 && m.Done[last].To == i.From {
			m.Done[last].To = i.To
			continue
		}
		m.Done = append(m.Done, i)
	}
	if doneFrom < 0 && len(m.Done) > 0 && m.Done[0].From == low {
		low, m.Done = m.Done[0].To, m.Done[1:]
	}
	m.Since = t.bound(low)
	return low, m
}

// bound is a time before which no event at or above low was answered. Events are received
// in order, so every event from the lowest unanswered one on was received, and answered,
// after that one was. Without an unanswered event it is the start of the current second, so
// that the text does not change with every commit. Earlier owners may have answered offsets
// below the end at the generation's start.
func (t *tracker) bound(low int64) time.Time {
	since := t.lead.ticked
	if len(t.entries) > 0 {
		since = t.entries[0].tracked
	}
	if low < t.inherited.end && t.inherited.since.Before(since) {
		return t.inherited.since
	}
	return since
}

// clean reports whether no unanswered event, fetched or not, has a call in doubt.
func (t *tracker) clean() bool {
	for _, e := range t.entries {
		if e.called && !e.resolved {
			return false
		}
	}
	return t.next >= t.inherited.inDoubt
}
