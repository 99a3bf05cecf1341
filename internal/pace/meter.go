package pace

import "time"

// enoughCalls is how many requests are enough to measure the admitted rate.
const enoughCalls = 8

// meter measures the rate of admitted requests, over the time in which there were requests
// to send.
type meter struct {
	window   time.Duration
	admitted int
	busy     time.Duration

	last time.Time // when the last request was sent
	// Requests sent in the current second and in the one before.
	second      time.Time
	now, before int
}

// sent notes that a request is sent, at least spacing after the previous one. More than one
// and a half times spacing counts as idle. The time of refusals is added when they end.
func (m *meter) sent(now time.Time, spacing time.Duration, refusing bool) {
	if !refusing {
		longest := spacing * 3 / 2
		if spacing == 0 {
			longest = time.Second
		}
		m.busy += min(now.Sub(m.last), longest)
		if m.busy > m.window { // older measurements count less
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

// perSecond is how many requests were sent in the last second; at least 1.
func (m *meter) perSecond() float64 { return float64(max(m.now, m.before, 1)) }

// rate is the admitted rate in requests a second, if all requests were refused for the
// given time in addition.
func (m *meter) rate(refused time.Duration) float64 {
	return float64(m.admitted) / (m.busy + refused).Seconds()
}

// estimate is the rate that is believed to be admitted, after requests sent at rate last
// were refused. The measured rate is too low if less was sent at first, so the estimate
// moves part of the way to the last rate.
func (m *meter) estimate(last float64, refused time.Duration) float64 {
	const part = 0.3
	admitted := m.busy.Seconds() / (m.busy + refused).Seconds()
	return (1-part)*m.rate(refused) + part*last*admitted
}

func (m *meter) enough(refused time.Duration) bool {
	return m.admitted >= enoughCalls || m.busy+refused >= m.window
}

func (m *meter) reset() { m.admitted, m.busy = 0, 0 }
