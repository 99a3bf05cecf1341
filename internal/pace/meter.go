package pace

import "time"

// enoughCalls are enough to tell at which rate requests are admitted.
const enoughCalls = 8

// meter measures the rate at which requests are admitted, in the time in which
// there were any to send.
type meter struct {
	window   time.Duration
	admitted int
	busy     time.Duration

	last time.Time // when the last request left
	// sent in the present second, and in the one before.
	second      time.Time
	now, before int
}

// sent notes that a request leaves, at least spacing after the one before. What is
// more than half again as much was idle. The time of refusals is added at their end.
func (m *meter) sent(now time.Time, spacing time.Duration, refusing bool) {
	if !refusing {
		longest := spacing * 3 / 2
		if spacing == 0 {
			longest = time.Second
		}
		m.busy += min(now.Sub(m.last), longest)
		if m.busy > m.window { // what was long ago counts less
			m.busy, m.admitted = m.busy/2, m.admitted/2
		}
	}
	m.last = now
	switch since := now.Sub(m.second); {
	case since >= 2*time.Second:
		m.second, m.before, m.now = now, 0, 0
	case since >= time.Second:
		m.second, m.before, m.now = m.second.Add(time.Second), m.now, 0
	}
	m.now++
}

// perSecond is how many requests left in the last second; at least 1.
func (m *meter) perSecond() float64 { return float64(max(m.now, m.before, 1)) }

// rate is how many requests a second were admitted, if they were refused for the
// given time besides.
func (m *meter) rate(refused time.Duration) float64 {
	return float64(m.admitted) / (m.busy + refused).Seconds()
}

// estimate is the rate that is thought to be admitted, where requests were refused
// that left at the given rate. The rate that was admitted is too low for that as far
// as less was sent at first, so a part of the way to the last rate is added.
func (m *meter) estimate(last float64, refused time.Duration) float64 {
	const part = 0.3
	admitted := m.busy.Seconds() / (m.busy + refused).Seconds()
	return (1-part)*m.rate(refused) + part*last*admitted
}

func (m *meter) enough(refused time.Duration) bool {
	return m.admitted >= enoughCalls || m.busy+refused >= m.window
}

func (m *meter) reset() { m.admitted, m.busy = 0, 0 }
