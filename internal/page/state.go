package page

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// The names of a State.
const (
	Starting  = "starting"
	KafkaAway = "kafka_away"
	Joining   = "joining"
	Reading   = "reading"
	Stuck     = "stuck"
	Standby   = "standby"
	NoShare   = "no_share"
	Outage    = "outage"
	Throttled = "throttled"
	QuotaWait = "quota"
	Working   = "working"
	Idle      = "idle"
)

// State answers the first question of whoever opens the page: is it working, and
// if not, what is it waiting for?
type State struct {
	Name string `json:"name"` // one of the constants
	// Title is a few words, Text a sentence or two.
	Title string `json:"title"`
	Text  string `json:"text"`
	// Since is when it began, as far as this process has seen.
	Since time.Time `json:"since"`
	// Error is what came last of what does not answer; empty: nothing.
	Error   string     `json:"error,omitempty"`
	ErrorAt *time.Time `json:"error_at,omitempty"`
	// Advice is what somebody has to do; empty: it mends itself.
	Advice string `json:"advice,omitempty"`
}

// longQuotaWait is what makes a wait for the quota worth telling: with requests
// evenly spaced, the next one always waits a moment.
const longQuotaWait = 5 * time.Second

// judge names the one thing that matters most now. What must be mended first
// comes first: without Kafka it does not matter whether MPC serves.
func judge(s *Status) State {
	state := func(name, title, text string) State { return State{Name: name, Title: title, Text: text, Since: s.At} }
	k, m := s.Kafka, s.MPC
	switch {
	case k.Problem != "":
		away := state(KafkaAway, "Kafka does not answer", "Nothing is called whose call could not be recorded. Work goes on by itself when the brokers answer.")
		away.Error = k.Problem
		return away
	case !k.Started:
		return state(Starting, "Starting", "The topics are being looked up.")
	case !k.Joined:
		return state(Joining, "Joining the group", "It joins the consumer group, or the group shares out its partitions anew.")
	case !k.LedgerRead:
		return state(Reading, "Reading the outcome topics", "Nothing is decided before it is known what has been answered already.")
	case len(k.Stuck) > 0:
		stuck := state(Stuck, "A message does not fit its topic", "Its partition waits; the others go on.")
		stuck.Advice = strings.Join(k.Stuck, "; ")
		return stuck
	case len(s.Partitions) == 0:
		return state(Standby, "Standing by", "No partition is assigned to this instance: others have them all. It takes over when one of them leaves.")
	case m.Share != nil && *m.Share == 0:
		none := state(NoShare, "This instance's share of the quota is 0", "It will not call: there are more instances than calls a minute.")
		none.Advice = "Run fewer instances, or raise MPC_REQUESTS_PER_MINUTE if the tenant's quota is higher."
		return none
	case !m.Available:
		return outage(s, state(Outage, "MPC does not serve", ""))
	}
	return paced(s, state)
}

func outage(s *Status, state State) State {
	if s.MPC.DownSince != nil {
		state.Since = *s.MPC.DownSince
	}
	state.Text = fmt.Sprintf("%s for it, and none is answered because of it. One request at a time finds out whether it serves again.",
		quantity(s.Flow.Waiting.Outage, "event waits", "events wait"))
	state.Error, state.ErrorAt = s.MPC.LastError, s.MPC.LastErrorAt
	if len(s.Notes) > 0 {
		state.Advice = s.Notes[0]
	}
	return state
}

// paced is the state while MPC serves.
func paced(s *Status, state func(name, title, text string) State) State {
	f, m := s.Flow, s.MPC
	rate := math.Inf(1)
	if m.Rate != nil {
		rate = *m.Rate
	}
	pace := fmt.Sprintf("%.0f requests a minute", rate)
	// By the time the last of them has its turn.
	wait := time.Duration(float64(f.Waiting.Quota) / rate * float64(time.Minute))
	switch {
	case m.HoldUntil != nil && m.HoldUntil.After(s.At):
		return state(Throttled, "MPC asked for a pause", "Requests go on after "+m.HoldUntil.UTC().Format("15:04:05 UTC")+".")
	case m.ThrottledLately > 0:
		text := "It refuses requests for its quota: others use it too, or it is smaller than MPC_REQUESTS_PER_MINUTE."
		if !math.IsInf(rate, 1) {
			text += " The service has slowed down to " + pace + " and tries for more."
		}
		return state(Throttled, "MPC throttles", text)
	case f.Waiting.Quota > 0 && wait > longQuotaWait:
		return state(QuotaWait, "Waiting for the quota",
			fmt.Sprintf("%s for a turn, at %s: about %s for the last of them.", quantity(f.Waiting.Quota, "event waits", "events wait"), pace, roughly(wait)))
	case f.InFlight > 0 || f.Waiting.Quota > 0 || f.Held > f.Waiting.Backoff || f.Waiting.Backoff == 0 && answeredLately(s):
		return state(Working, "Working", "Events are being answered as they come.")
	case f.Waiting.Backoff > 0:
		return state(Working, "Working",
			fmt.Sprintf("%s after a call of its own that failed, and will be called again; MPC serves the others.", quantity(f.Waiting.Backoff, "event rests", "events rest")))
	case f.Lag > 0:
		return state(Working, "Working", "Events are being read.")
	}
	return state(Idle, "Nothing to do", "Every failure event that has come is answered.")
}

// answeredLately: between two events that are answered in a millisecond each there
// is nothing to do, and a page that says so in turn with Working helps nobody.
func answeredLately(s *Status) bool {
	return slices.ContainsFunc(s.Outcomes, func(c Count) bool { return c.LastMinute > 0 })
}

func quantity(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return group(n) + " " + many
}

// group writes a number with a comma between the thousands.
func group(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// roughly is a duration as one says it.
func roughly(d time.Duration) string {
	switch {
	case d < 90*time.Second:
		return fmt.Sprintf("%.0f seconds", d.Seconds())
	case d < 90*time.Minute:
		return fmt.Sprintf("%.0f minutes", d.Minutes())
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0f hours", d.Hours())
	}
	return fmt.Sprintf("%.0f days", d.Hours()/24)
}
