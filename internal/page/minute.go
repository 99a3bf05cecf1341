package page

import (
	"time"

	"remux-retrier/internal/metrics"
)

// tallyFor is the period of the counts "in the last minute"; for requests it is the quota's
// window.
const tallyFor = time.Minute

// minute turns counts that only grow into those of the last minute, or in the first minute
// into those since the page was created.
type minute []tally

type tally struct {
	at                  time.Time
	requests, throttled int64
	events              []metrics.EventCount
}

// lately adds the current counts, and sets the differences in s.
func (m *minute) lately(s *Status, events []metrics.EventCount) {
	*m = append(*m, tally{s.At, s.MPC.Requests, s.MPC.Throttled, events})
	for len(*m) > 1 && s.At.Sub((*m)[1].at) >= tallyFor {
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
