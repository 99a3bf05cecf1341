package mpcsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Outage is a kind of outage, in which every request fails.
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

// outageSteps gives the answer to each request in an outage.
var outageSteps = map[Outage]Step{
	Down:         {Status: http.StatusServiceUnavailable, Code: "APIGW.0613", Message: "The backend service is unavailable."},
	Broken:       {Status: http.StatusInternalServerError, Code: "APIGW.0605", Message: "The backend service failed."},
	Unauthorized: {Status: http.StatusUnauthorized, Code: "APIGW.0301", Message: "Incorrect IAM authentication information."},
	Denied:       {Status: http.StatusForbidden, Code: "APIGW.0401", Message: "The caller is not on the white list."},
	Firewall:     {Status: http.StatusForbidden, ContentType: "text/html", Body: "<html><body><h1>Blocked</h1></body></html>"},
	Resetting:    {End: EndReset},
	Hanging:      {End: EndHang},
}

// Faults affect the requests of all tasks. The zero value is a healthy API.
type Faults struct {
	// Outage makes all MPC requests fail, IAMOutage all logins.
	Outage    Outage `json:"outage,omitempty"`
	IAMOutage Outage `json:"iam_outage,omitempty"`
	// Latency delays every answer.
	Latency time.Duration `json:"-"`

	// PerSecond is a limit of requests a second, with bursts of at most one second's
	// requests, or of one request if that is less. Defaults to 0, no limit.
	PerSecond float64 `json:"per_second,omitempty"`
	// PerMinute is a limit of requests in any 60 seconds, like the tenant's quota.
	// Defaults to 0, no limit.
	PerMinute int `json:"per_minute,omitempty"`
	// ThrottleAsMPC answers 406 MPC.10237 instead of 429 APIGW.0308.
	ThrottleAsMPC bool `json:"throttle_as_mpc,omitempty"`
	// RetryAfter is sent with throttling answers. 0 sends none.
	RetryAfter time.Duration `json:"-"`

	// RefuseQueries refuses queries and lists for lack of permission.
	RefuseQueries bool `json:"refuse_queries,omitempty"`
	// ErrorRate is the probability (0 to 1) that a valid MPC request is answered 500
	// APIGW.0605, without effect.
	ErrorRate float64 `json:"error_rate,omitempty"`
	// LossRate is the probability (0 to 1) that an MPC request is carried out and its
	// answer is lost.
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

// SetFaults replaces all faults from the next request on. Requests that already hang
// go on hanging. A changed limit starts unused.
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

// Faults returns the active faults.
func (s *Simulator) Faults() Faults {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.faults
}

// throttled returns the answer to a request above the limit.
func (f Faults) throttled() answer {
	a := apiError(http.StatusTooManyRequests, "APIGW.0308", "The throttling threshold has been reached.")
	if f.ThrottleAsMPC {
		a = apiError(http.StatusNotAcceptable, "MPC.10237", "Too many requests.")
	}
	a.retryAfter = f.RetryAfter
	return a
}

// chance returns true with probability p. With p = 0 it draws no random number, so
// that faults that are off do not change what a seed does.
func (s *Simulator) chance(p float64) bool { return p > 0 && s.random.Float64() < p }

// faultsJSON has the durations, written as Go does ("250ms").
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
