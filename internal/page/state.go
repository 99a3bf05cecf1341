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
	// Advice is what somebody has to do; empty: it ends by itself. Command does it, where
	// one command can.
	Advice  string `json:"advice,omitempty"`
	Command string `json:"command,omitempty"`
}

// longQuotaWait is what makes a wait for the quota worth telling: with requests
// evenly spaced, the next one always waits a moment.
const longQuotaWait = 5 * time.Second

// judge names the one thing that matters most now. What must be fixed first
// comes first: without Kafka it does not matter whether MPC serves.
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
		return s.at(Starting, "Starting", "The topics are being looked up.")
	case !k.Joined:
		return s.at(Joining, "Joining the group", "It joins the consumer group, or the group shares out its partitions anew.")
	case !k.LedgerRead:
		return s.at(Reading, "Reading the outcome topics", "Nothing is decided before it is known what has been answered already.")
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

// kafkaText is what becomes of the work while Kafka does not answer.
const kafkaText = "Calls are paused: Kafka cannot record them. They go on by themselves when the brokers answer."

// at is a state that begins now, as far as it alone can tell.
func (s *Status) at(name, title, text string) State {
	return State{Name: name, Title: title, Text: text, Since: s.At}
}

func unreadable(p Partition) bool { return p.Problem != "" }

// partitionsAway is about those that cannot be read: the instance
// is not ready, and what comes there is not even seen.
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
	state := s.at(PartitionAway, title, "Failure events that come there wait unseen. It goes on by itself when the broker that leads the partition answers."+besides(s))
	state.Error = fmt.Sprintf("partition %d: %s", all[0].Partition, all[0].Problem)
	return state
}

// besides tells of an outage of MPC where something else has to be told first.
func besides(s *Status) string {
	switch {
	case s.MPC.Available:
		return ""
	case s.MPC.DownSince == nil:
		return " Besides, MPC does not serve."
	}
	return " Besides, MPC has not served since " + clockTime(*s.MPC.DownSince) + "."
}

// judgeMPC is what the events wait for that wait for a call.
func judgeMPC(s *Status) State {
	switch {
	case s.MPC.Share != nil && *s.MPC.Share == 0:
		none := s.at(NoShare, "This instance's share of the quota is 0", "It will not call: there are more instances than calls a minute.")
		none.Advice = "Run fewer instances, or raise MPC_REQUESTS_PER_MINUTE if the tenant's quota is higher."
		return none
	case !s.MPC.Available:
		return outage(s)
	}
	return paced(s)
}

// closing is how long before MPC was found not to serve the answer may have come
// by which it was: what is older tells of something else.
const closing = 5 * time.Second

func outage(s *Status) State {
	m, f := s.MPC, s.Flow
	state := s.at(Outage, "MPC does not serve", "")
	if m.DownSince != nil {
		state.Since = *m.DownSince
	} else {
		state.Text = "Requests are under way, and no answer comes. "
	}
	switch {
	case f.Waiting.Outage > 0:
		state.Text += quantity(f.Waiting.Outage, "event waits", "events wait") +
			", and none fails because of it. One request at a time finds out whether MPC serves again."
	case f.InFlight > 0:
		state.Text += "No other event waits, and none fails because of it."
	default:
		state.Text += "No event waits. The next one finds out whether MPC serves again."
	}
	if m.LastErrorAt != nil && !m.LastErrorAt.Before(state.Since.Add(-closing)) {
		state.Error, state.ErrorAt, state.Advice = m.LastError, m.LastErrorAt, capital(m.LastErrorAdvice)
		if m.LastErrorHeadline != "" {
			state.Title = m.LastErrorHeadline
		}
	}
	return state
}

// capital begins a text of somebody else's with a capital letter.
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
	// By the time the last of them has its turn.
	wait := time.Duration(float64(f.Waiting.Quota) / rate * float64(time.Minute))
	switch {
	case m.ThrottledSince != nil || m.ThrottledLately > 0:
		return throttled(s)
	case m.held(s.At):
		return s.at(Throttled, "MPC asked for a pause", "Requests go on after "+clockTime(*m.HoldUntil)+".")
	case f.Waiting.Quota > 0 && wait > longQuotaWait:
		return s.at(QuotaWait, "Waiting for the quota",
			fmt.Sprintf("%s for a turn, at %s: about %s for the last of them.", quantity(f.Waiting.Quota, "event waits", "events wait"), pace, roughly(wait)))
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
