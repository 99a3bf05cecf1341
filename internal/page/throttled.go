package page

import (
	"fmt"
	"time"
)

// reserve is the part of the share that is never used, so that requests at the edges of a
// minute do not exceed the quota.
const reserve = 0.05

// slowed reports whether the current rate is below the share.
func (m *MPC) slowed() bool {
	return m.Rate != nil && (m.Share == nil || *m.Rate < (1-reserve)**m.Share-0.5)
}

// paused reports whether MPC has asked for no requests at this time.
func (m *MPC) paused(now time.Time) bool { return m.HoldUntil != nil && m.HoldUntil.After(now) }

// throttled is the state while MPC serves, but refuses calls because of its quota. Rates
// are shown only if they are below the usual ones.
func throttled(s *Status) State {
	m := &s.MPC
	state := s.at(Throttled, "Throttled by MPC",
		"MPC serves, but refuses calls because of its quota: other programs use it too, or it is smaller than MPC_REQUESTS_PER_MINUTE.")
	if m.ThrottledSince != nil {
		state.Since = *m.ThrottledSince
	}
	switch {
	case m.slowed() && m.Admitted != nil && m.Share != nil:
		state.Title += fmt.Sprintf(": %.0f of %.0f calls a minute admitted", *m.Admitted, *m.Share)
	case m.slowed() && m.Admitted != nil:
		state.Title += fmt.Sprintf(": %.0f calls a minute admitted", *m.Admitted)
	case m.ThrottledLately > 0:
		state.Title += ": " + quantity(int(m.ThrottledLately), "call refused in the last minute", "calls refused in the last minute")
	}
	if m.slowed() {
		state.Text += fmt.Sprintf(" The service has slowed down to %.0f requests a minute and tries to send more.", *m.Rate)
	}
	if m.paused(s.At) {
		state.Text += " MPC asked for no requests before " + clockTime(*m.HoldUntil) + "."
	}
	return state
}
