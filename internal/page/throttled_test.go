package page

import (
	"strings"
	"testing"
	"time"
)

// "Slowed down to 95" is misleading if 95 is the usual rate.
func TestThrottlingClaimsNoSlowingDownAtTheFullRate(t *testing.T) {
	s := healthy()
	s.MPC.ThrottledSince, s.MPC.Admitted, s.MPC.ThrottledLately = ago(time.Hour), rate(95), 3
	got := judge(&s)
	if got.Name != Throttled || got.Title != "Throttled by MPC: 3 calls refused in the last minute" || strings.Contains(got.Text, "slowed") {
		t.Errorf("%+v", got)
	}
	if !got.Since.Equal(noon.Add(-time.Hour)) {
		t.Errorf("since %v", got.Since)
	}
}

func TestThrottlingWithoutALimitOfOursSaysWhatIsAdmitted(t *testing.T) {
	s := healthy()
	s.MPC.Share, s.MPC.Rate, s.MPC.Admitted, s.MPC.ThrottledSince = nil, rate(40), rate(42), ago(time.Minute)
	if got := judge(&s); got.Title != "Throttled by MPC: 42 calls a minute admitted" || !strings.Contains(got.Text, "slowed down to 40") {
		t.Errorf("%+v", got)
	}
}
