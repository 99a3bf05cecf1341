package mpcsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Outage is a way in which every request fails.
type Outage string

const (
	NoOutage     Outage = ""
	Down         Outage = "down"         // 503 APIGW.0613
	Broken       Outage = "broken"       // 500 APIGW.0605
	Unauthorized Outage = "unauthorized" // 401 APIGW.0301
	Denied       Outage = "denied"       // 403 APIGW.0401: the caller is not on the white list
	Firewall     Outage = "firewall"     // 403 with an HTML page
	Resetting    Outage = "resetting"    // the connection is reset
	Hanging      Outage = "hanging"      // no answer at all
)

// outageSteps are the reactions the outages consist of.
var outageSteps = map[Outage]Step{
	Down:         {Status: http.StatusServiceUnavailable, Code: "APIGW.0613", Message: "The backend service is unavailable."},
	Broken:       {Status: http.StatusInternalServerError, Code: "APIGW.0605", Message: "The backend service failed."},
	Unauthorized: {Status: http.StatusUnauthorized, Code: "APIGW.0301", Message: "Incorrect IAM authentication information."},
	Denied:       {Status: http.StatusForbidden, Code: "APIGW.0401", Message: "The caller is not on the white list."},
	Firewall:     {Status: http.StatusForbidden, ContentType: "text/html", Body: "<html><body><h1>Blocked</h1></body></html>"},
	Resetting:    {End: EndReset},
	Hanging:      {End: EndHang},
}

// Faults are what goes wrong for everybody. The zero value is a healthy API.
type Faults struct {
	// Outage fails all MPC requests, IAMOutage all logins.
	Outage    Outage `json:"outage,omitempty"`
	IAMOutage Outage `json:"iam_outage,omitempty"`
	// Latency holds every answer back.
	Latency time.Duration `json:"-"`

	// PerSecond throttles what exceeds so many requests a second, with a burst
	// of one second's worth at most. 0 does not.
	PerSecond float64 `json:"per_second,omitempty"`
	// PerMinute throttles what exceeds so many requests in any 60 seconds, as the
	// tenant's quota does. 0 does not.
	PerMinute int `json:"per_minute,omitempty"`
	// ThrottleAsMPC answers 406 MPC.10237 instead of 429 APIGW.0308.
	ThrottleAsMPC bool `json:"throttle_as_mpc,omitempty"`
	// RetryAfter is sent with throttling answers. 0 sends none.
	RetryAfter time.Duration `json:"-"`

	// RefuseQueries takes away the permission to query (GET only).
	RefuseQueries bool `json:"refuse_queries,omitempty"`
	// ErrorRate is the probability (0 to 1) of a 500 APIGW.0605 that does
	// nothing.
	ErrorRate float64 `json:"error_rate,omitempty"`
	// LossRate is the probability (0 to 1) that a request is carried out and its
	// answer lost.
	LossRate float64 `json:"loss_rate,omitempty"`
}

func (f Faults) validate() error {
	for _, outage := range []Outage{f.Outage, f.IAMOutage} {
		if _, known := outageSteps[outage]; outage != NoOutage && !known {
			return fmt.Errorf("faults: outage %q is none of down, broken, unauthorized, denied, firewall, resetting, hanging", outage)
		}
	}
	for name, p := range map[string]float64{"error_rate": f.ErrorRate, "loss_rate": f.LossRate} {
		if !(p >= 0 && p <= 1) { // refuses NaN too
			return fmt.Errorf("faults: %s is %v: expected a probability from 0 to 1", name, p)
		}
	}
	if f.Latency < 0 || f.RetryAfter < 0 || f.PerMinute < 0 || !(f.PerSecond >= 0) {
		return fmt.Errorf("faults: latency, retry_after, per_second and per_minute may not be negative")
	}
	return nil
}

// SetFaults replaces all faults from the next request on. Requests that hang
// already go on hanging. A changed quota starts afresh.
func (s *Simulator) SetFaults(f Faults) error {
	if err := f.validate(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setFaults(f)
	return nil
}

func (s *Simulator) setFaults(f Faults) {
	if f.PerSecond != s.faults.PerSecond || f.PerMinute != s.faults.PerMinute {
		s.quota = newQuota(f.PerSecond, f.PerMinute)
	}
	s.faults = f
}

// Faults returns the faults in force.
func (s *Simulator) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// throttled is the answer to a request beyond the quota.
func (f Faults) throttled() answer {
	a := apiError(http.StatusTooManyRequests, "APIGW.0308", "The throttling threshold has been reached.")
	if f.ThrottleAsMPC {
		a = apiError(http.StatusNotAcceptable, "MPC.10237", "Too many requests.")
	}
	a.retryAfter = f.RetryAfter
	return a
}

// chance draws a random fault. Nothing is drawn at probability 0, so that a
// seed's story does not depend on faults that are off.
func (s *Simulator) chance(p float64) bool { return p > 0 && s.random.Float64() < p }

// faultsJSON spells durations as Go does ("250ms").
type faultsJSON struct {
	Latency    duration `json:"latency,omitempty"`
	RetryAfter duration `json:"retry_after,omitempty"`
}

// MarshalJSON writes durations as text.
func (f Faults) MarshalJSON() ([]byte, error) {
	type plain Faults
	return json.Marshal(struct {
		plain
		faultsJSON
	}{plain(f), faultsJSON{duration(f.Latency), duration(f.RetryAfter)}})
}

// UnmarshalJSON reads what MarshalJSON writes, refuses unknown fields and
// validates.
func (f *Faults) UnmarshalJSON(data []byte) error {
	type plain Faults
	var in struct {
		plain
		faultsJSON
	}
	if err := strictJSON(data, &in); err != nil {
		return err
	}
	*f = Faults(in.plain)
	f.Latency, f.RetryAfter = time.Duration(in.faultsJSON.Latency), time.Duration(in.faultsJSON.RetryAfter)
	return f.validate()
}
