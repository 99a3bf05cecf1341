package page

import (
	"time"

	"remux-retrier/internal/metrics"
)

// countWindow is the period of the counts "in the last minute"; for requests it is the
// quota's window.
const countWindow = time.Minute

// minute turns counts since the start into counts of the last minute. In the first minute
// they are the counts since the page was created.
type minute []tally

type tally struct {
	at                  time.Time
	requests, throttled int64
	events              []metrics.EventCount
}

// update adds the current counts, and sets the counts of the last minute in s.
func (m *minute) update(s *Status, events []metrics.EventCount) {
	*m = append(*m, tally{s.At, s.MPC.Requests, s.MPC.Throttled, events})
	for len(*m) > 1 && s.At.Sub((*m)[1].at) >= countWindow {
		*m = (*m)[1:]
	}
	first := (*m)[0]
	s.MPC.SentLastMinute, s.MPC.ThrottledLately = s.MPC.Requests-first.requests, s.MPC.Throttled-first.throttled
	s.Outcomes = []Count{}
	for _, e := range events {
		c := Count{Outcome: e.Outcome, Reason: e.Reason, Count: e.Count, LastMinute: e.Count}
		for _, before := range first.events {
			if before.Outcome == e.Outcome && before.Reason == e.Reason {
				c.LastMinute -= before.Count
			}
		}
		s.Outcomes = append(s.Outcomes, c)
	}
}
