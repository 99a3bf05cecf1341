package page

import (
	"fmt"
	"math"
	"slices"
	"time"
	"unicode"
	"unicode/utf8"
)

// The names of a State.
const (
	Starting      = "starting"
	TopicAbsent   = "topic_absent"
	KafkaAway     = "kafka_away"
	Joining       = "joining"
	Reading       = "reading"
	Stuck         = "stuck"
	PartitionAway = "partition"
	Standby       = "standby"
	NoShare       = "no_share"
	Outage        = "outage"
	Throttled     = "throttled"
	QuotaWait     = "quota"
	Working       = "working"
	Unreadable    = "unreadable"
	Idle          = "idle"
)

// State answers an operator's first question: is it working, and if not, what is it waiting
// for?
type State struct {
	Name string `json:"name"` // one of the constants
	// Title is a few words, Text a sentence or two.
	Title string `json:"title"`
	Text  string `json:"text"`
	// Since is when the state began, as far as this process has seen.
	Since time.Time `json:"since"`
	// Error is the last error of what does not answer; empty: none.
	Error   string     `json:"error,omitempty"`
	ErrorAt *time.Time `json:"error_at,omitempty"`
	// Advice is what an operator must do; empty: the state ends by itself. Command does it,
	// if one command can.
	Advice  string `json:"advice,omitempty"`
	Command string `json:"command,omitempty"`
}

// longQuotaWait is the shortest wait for the quota that is shown: with evenly spaced
// requests the next one always waits a moment.
const longQuotaWait = 5 * time.Second

// judge returns the one state that matters most. What must be fixed first comes first:
// without Kafka it does not matter whether MPC serves.
func judge(s *Status) State {
	k := s.Kafka
	switch {
	case len(k.Absent) > 0:
		return absent(s)
	case k.Problem != "":
		away := s.at(KafkaAway, "Kafka does not answer", kafkaText)
		away.Error = k.Problem
		return away
	case !k.Started:
		return s.at(Starting, "Starting", "Looking up the topics.")
	case !k.Joined:
		return s.at(Joining, "Joining the group", "The instance is joining the consumer group, or the group is rebalancing.")
	case !k.LedgerRead:
		return s.at(Reading, "Reading the outcome topics", "Nothing is decided before all earlier outcomes are known.")
	case len(k.Stuck) > 0:
		return stuck(s)
	case slices.ContainsFunc(s.Partitions, unreadable):
		return partitionsAway(s)
	case len(s.Partitions) == 0:
		return s.at(Standby, "Standing by", "No partition is assigned to this instance: others have them all. It takes over when one of them leaves.")
	}
	state := judgeMPC(s)
	if s.MPC.Available && state.Name != NoShare && s.Letters.many() {
		return unreadableRecords(s, state)
	}
	return state
}

// kafkaText says how the work continues while Kafka does not answer.
const kafkaText = "Calls are paused: Kafka cannot record them. They resume by themselves when the brokers answer."

// at returns a state that begins now; its real beginning is set later.
func (s *Status) at(name, title, text string) State {
	return State{Name: name, Title: title, Text: text, Since: s.At}
}

func unreadable(p Partition) bool { return p.Problem != "" }

// partitionsAway is the state while partitions cannot be read: the instance is not ready,
// and new events in them are not seen.
func partitionsAway(s *Status) State {
	var all []Partition
	for _, p := range s.Partitions {
		if unreadable(p) {
			all = append(all, p)
		}
	}
	title := fmt.Sprintf("Partition %d cannot be read", all[0].Partition)
	if len(all) > 1 {
		title = fmt.Sprintf("%d of %d partitions cannot be read", len(all), len(s.Partitions))
	}
	state := s.at(PartitionAway, title, "New failure events there are not seen. Reading resumes by itself when the partition's leader answers."+besides(s))
	state.Error = fmt.Sprintf("partition %d: %s", all[0].Partition, all[0].Problem)
	return state
}

// besides mentions an outage of MPC in a state about something else.
func besides(s *Status) string {
	switch {
	case s.MPC.Available:
		return ""
	case s.MPC.DownSince == nil:
		return " Also, MPC does not serve."
	}
	return " Also, MPC has not served since " + clockTime(*s.MPC.DownSince) + "."
}

// judgeMPC returns what the events that need a call wait for.
func judgeMPC(s *Status) State {
	switch {
	case s.MPC.Share != nil && *s.MPC.Share == 0:
		none := s.at(NoShare, "This instance's share of the quota is 0", "It does not call: there are more instances than calls a minute.")
		none.Advice = "Run fewer instances, or raise MPC_REQUESTS_PER_MINUTE if the tenant's quota is higher."
		return none
	case !s.MPC.Available:
		return outage(s)
	}
	return paced(s)
}

// causeMaxAge is how old MPC's last error may be, when an outage begins, to be shown as its
// cause.
const causeMaxAge = 5 * time.Second

func outage(s *Status) State {
	m, f := s.MPC, s.Flow
	state := s.at(Outage, "MPC does not serve", "")
	if m.DownSince != nil {
		state.Since = *m.DownSince
	} else {
		state.Text = "Requests are in flight and get no answer. "
	}
	switch {
	case f.Waiting.Outage > 0:
		state.Text += quantity(f.Waiting.Outage, "event waits", "events wait") +
			", and none fails because of the outage. One request at a time is sent as a probe."
	case f.InFlight > 0:
		state.Text += "No other event waits, and none fails because of the outage."
	default:
		state.Text += "No event waits. The next one is called as a probe."
	}
	if m.LastErrorAt != nil && !m.LastErrorAt.Before(state.Since.Add(-causeMaxAge)) {
		state.Error, state.ErrorAt, state.Advice = m.LastError, m.LastErrorAt, capital(m.LastErrorAdvice)
		if state.Advice != "" {
			state.Advice = sentence(state.Advice)
		}
		if m.LastErrorHeadline != "" {
			state.Title = m.LastErrorHeadline
		}
	}
	return state
}

// capital returns text with a capital letter at its beginning.
func capital(text string) string {
	first, size := utf8.DecodeRuneInString(text)
	if size == 0 {
		return text
	}
	return string(unicode.ToUpper(first)) + text[size:]
}

// paced is the state while MPC serves.
func paced(s *Status) State {
	f, m := s.Flow, s.MPC
	rate := math.Inf(1)
	if m.Rate != nil {
		rate = *m.Rate
	}
	pace := fmt.Sprintf("%.0f requests a minute", rate)
	// wait is the time until the last of the waiting events is called.
	wait := time.Duration(float64(f.Waiting.Quota) / rate * float64(time.Minute))
	switch {
	case m.ThrottledSince != nil || m.ThrottledLately > 0:
		return throttled(s)
	case m.paused(s.At):
		return s.at(Throttled, "MPC asked for a pause", "Requests resume after "+clockTime(*m.HoldUntil)+".")
	case f.Waiting.Quota > 0 && wait > longQuotaWait:
		return s.at(QuotaWait, "Waiting for the quota",
			fmt.Sprintf("%s at %s: about %s for the last of them.", quantity(f.Waiting.Quota, "event waits", "events wait"), pace, roughly(wait)))
	case f.InFlight > 0 || f.Waiting.Quota > 0 || f.Held > f.Waiting.Backoff || f.Waiting.Backoff == 0 && answeredLately(s):
		return s.at(Working, "Working", "Events are being answered as they come.")
	case f.Waiting.Backoff > 0:
		return s.at(Working, "Working",
			fmt.Sprintf("%s after a failed call; MPC serves the others.", quantity(f.Waiting.Backoff, "event backs off", "events back off")))
	case f.Lag > 0 || !f.LagKnown:
		return s.at(Working, "Working", "Events are being read.")
	}
	return s.at(Idle, "Nothing to do", "Nothing pending.")
}

// answeredLately reports whether an event was answered in the last minute. If each is
// answered within a millisecond, nothing is pending between two of them: without this the
// state would change all the time.
func answeredLately(s *Status) bool {
	return slices.ContainsFunc(s.Outcomes, func(c Count) bool { return c.LastMinute > 0 })
}

func quantity(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return group(n) + " " + many
}

// group writes a number with commas between the thousands.
func group(n int) string {
	digits := fmt.Sprint(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

// roughly rounds a duration for a text.
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
