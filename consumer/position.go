package consumer

import "time"

// position is what may be committed now. Only the last commit of a generation
// may be clean again after a call: no further one can begin behind it.
func (t *tracker) position(last bool) (low int64, m Mark) {
	t.mu.Lock()
	defer t.mu.Unlock()
	m.Called = t.lead.called
	if last && t.clean() {
		m.Called = 0
	}
	low = t.next
	at := int64(-1) // where the present run of answered offsets starts
	for _, e := range t.entries {
		switch {
		case e.resolved:
			continue
		case at < 0:
			low = e.offset
		case at < e.offset:
			m.Done = append(m.Done, Interval{at, e.offset})
		}
		at = e.offset + 1
	}
	if at >= 0 && at < t.next {
		m.Done = append(m.Done, Interval{at, t.next})
	}
	for _, i := range t.before.done {
		i.From = max(i.From, t.next)
		if last := len(m.Done) - 1; last >= 0 && m.Done[last].To == i.From {
			m.Done[last].To = i.To
			continue
		}
		m.Done = append(m.Done, i)
	}
	if at < 0 && len(m.Done) > 0 && m.Done[0].From == low {
		low, m.Done = m.Done[0].To, m.Done[1:]
	}
	m.Since = t.bound(low)
	return low, m
}

// bound is a time before which no event at or above low was answered. Events are
// taken on in order: what comes after the lowest unanswered one was taken on,
// and answered, later than that. If none is unanswered, the beginning of the
// second will do, which does not change the commit's text at every moment. Earlier
// owners may have answered what stands below the end that the generation began with.
func (t *tracker) bound(low int64) time.Time {
	since := t.lead.ticked
	if len(t.entries) > 0 {
		since = t.entries[0].tracked
	}
	if low < t.before.end && t.before.since.Before(since) {
		return t.before.since
	}
	return since
}

// clean: of no unanswered event, fetched or not, is a call in doubt.
func (t *tracker) clean() bool {
	for _, e := range t.entries {
		if e.called && !e.resolved {
			return false
		}
	}
	return t.next >= t.before.inDoubt
}
