package page

import (
	"fmt"
	"time"
)

// reserve is the part of the share that is never used, so that a minute's edges do
// not exceed the quota.
const reserve = 0.05

// slowed tells whether less may be sent than the share gives.
func (m *MPC) slowed() bool {
	return m.Rate != nil && (m.Share == nil || *m.Rate < (1-reserve)**m.Share-0.5)
}

// held tells whether MPC has asked for no requests now.
func (m *MPC) held(now time.Time) bool { return m.HoldUntil != nil && m.HoldUntil.After(now) }

// throttled is the state while MPC serves, but refuses calls because of its quota.
// Figures are given only where they tell of less than usual.
func throttled(s *Status) State {
	m := &s.MPC
	state := s.at(Throttled, "Throttled by MPC",
		"MPC serves, but refuses calls because of its quota: others use it too, or it is smaller than MPC_REQUESTS_PER_MINUTE.")
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
		state.Text += fmt.Sprintf(" The service has slowed down to %.0f requests a minute and tries for more.", *m.Rate)
	}
	if m.held(s.At) {
		state.Text += " MPC asked for no requests before " + clockTime(*m.HoldUntil) + "."
	}
	return state
}
