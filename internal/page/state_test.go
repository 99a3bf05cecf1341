package page

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"remux-retrier/internal/story"
)

func ago(d time.Duration) *time.Time {
	t := noon.Add(-d)
	return &t
}

func rate(n float64) *float64 { return &n }

// healthy is the status of a service with nothing pending.
func healthy() Status {
	return Status{
		At: noon, Kafka: Kafka{Started: true, Joined: true, LedgerRead: true}, Partitions: []Partition{{}},
		MPC: MPC{Available: true, Quota: rate(100), Share: rate(100), Rate: rate(95)}, Flow: Flow{LagKnown: true},
	}
}

func TestTheStateIsWhatMattersMost(t *testing.T) {
	outage := func(s *Status) {
		s.MPC.Available, s.MPC.DownSince, s.MPC.LastError, s.MPC.LastErrorAt = false, ago(time.Hour), "HTTP 503", ago(time.Second)
		s.Flow.Waiting.Outage = 1
	}
	for _, c := range []struct {
		hazard, want, says string
		change             func(*Status)
	}{
		{"nothing to do", Idle, "Nothing pending", func(*Status) {}},
		{"between two events", Working, "as they come", func(s *Status) { s.Outcomes = []Count{{Count: 9, LastMinute: 1}} }},
		{"a minute after the last event", Idle, "", func(s *Status) { s.Outcomes = []Count{{Count: 9}} }},
		{"calls under way", Working, "as they come", func(s *Status) { s.Flow.InFlight = 1 }},
		{"one event backs off and holds the low-water mark", Working, "1 event backs off", func(s *Status) { s.Flow = Flow{Lag: 900, Held: 1, Waiting: Waiting{Backoff: 1}} }},
		{"only the next one waits its turn", Working, "as they come", func(s *Status) { s.Flow.Waiting.Quota, s.Flow.Held = 2, 2 }},
		{"a backlog", QuotaWait, "5,700 events wait at 95 requests a minute: about 60 minutes", func(s *Status) { s.Flow.Waiting.Quota, s.Flow.Held = 5700, 5700 }},
		{"no limit", Working, "as they come", func(s *Status) { s.MPC.Rate, s.MPC.Share, s.Flow.Waiting.Quota = nil, nil, 5700 }},
		{"throttled", Throttled, "slowed down to 40", func(s *Status) { s.MPC.ThrottledLately, s.MPC.Rate, s.Flow.Waiting.Quota = 3, rate(40), 5700 }},
		{"throttled, and known since when", Throttled, "Throttled by MPC: 30 of 100 calls a minute admitted", func(s *Status) {
			s.MPC.ThrottledSince, s.MPC.Admitted, s.MPC.Share, s.MPC.Rate = ago(time.Hour), rate(30.4), rate(100), rate(29)
		}},
		{"throttled, and asked to pause", Throttled, "tries to send more. MPC asked for no requests before 12:01:00 UTC.", func(s *Status) {
			s.MPC.ThrottledSince, s.MPC.Admitted, s.MPC.Rate, s.MPC.HoldUntil = ago(time.Hour), rate(30.4), rate(29), ago(-time.Minute)
		}},
		{"asked to pause, and nothing refused for the quota", Throttled, "MPC asked for a pause", func(s *Status) { s.MPC.HoldUntil = ago(-time.Minute) }},
		{"throttled to a limit, without a quota", Throttled, "Throttled by MPC: 30 calls a minute admitted", func(s *Status) {
			s.MPC.ThrottledSince, s.MPC.Admitted, s.MPC.Share = ago(time.Hour), rate(30), nil
		}},
		{"throttled though unlimited", Throttled, "other programs use it too", func(s *Status) { s.MPC.ThrottledLately, s.MPC.Rate = 1, nil }},
		{"Retry-After", Throttled, "after 12:00:30 UTC", func(s *Status) { s.MPC.HoldUntil = ago(-30 * time.Second) }},
		{"a Retry-After that is over", Idle, "", func(s *Status) { s.MPC.HoldUntil = ago(30 * time.Second) }},
		{"an outage", Outage, "1 event waits, and none fails", outage},
		{"no share", NoShare, "more instances than calls", func(s *Status) { s.MPC.Share = rate(0) }},
		{"no share in an outage: it would not call anyhow", NoShare, "", func(s *Status) { outage(s); s.MPC.Share = rate(0) }},
		{"no partition", Standby, "takes over", func(s *Status) { s.Partitions, s.MPC.Share = nil, rate(0) }},
		{"two outcome topics are deleted", TopicAbsent, "Topics a, b do not exist. Outcomes for them wait", func(s *Status) { s.Kafka.Absent = []string{"a", "b"} }},
		{"a topic rejects two messages", Stuck, "others continue. 1 more message waits, too.", func(s *Status) {
			s.Kafka.Stuck, s.Kafka.StuckMessages = []string{"a", "b"}, []StuckMessage{{"dlq", 20, true}, {"dlq", 21, true}}
		}},
		{"an outcome topic is deleted, which the brokers say", TopicAbsent, "Topic remux.retry_failed does not exist. Outcomes for it wait", func(s *Status) { s.Kafka.Absent = []string{"remux.retry_failed"} }},
		{"the failed topic is deleted, for which it waits", TopicAbsent, "Topic remux.failed does not exist. No failure event can be read", func(s *Status) {
			s.Topic, s.Kafka = "remux.failed", Kafka{Started: true, Problem: "waiting for Kafka: unknown topic", Absent: []string{"remux.failed"}}
		}},
		{"stuck", Stuck, "partition waits", func(s *Status) { s.Kafka.Stuck = []string{"raise max.message.bytes"} }},
		{"the ledger is read", Reading, "earlier outcomes", func(s *Status) { s.Kafka.LedgerRead = false }},
		{"a rebalance", Joining, "rebalancing", func(s *Status) { s.Kafka.Joined = false }},
		{"a partition cannot be read, and /readyz says so", PartitionAway, "are not seen", func(s *Status) { s.Partitions = []Partition{{}, {Partition: 7, Problem: "refused"}} }},
		{"a partition cannot be read in an outage", PartitionAway, "Also, MPC has not served since 11:00:00 UTC.", func(s *Status) { outage(s); s.Partitions[0].Problem = "refused" }},
		{"stuck in an outage", Stuck, "Also, MPC has not served since 11:00:00 UTC.", func(s *Status) { outage(s); s.Kafka.Stuck = []string{"raise it"} }},
		{"how much there is to do is not known", Working, "being read", func(s *Status) { s.Flow.LagKnown = false }},
		{"starting", Starting, "Looking up", func(s *Status) { s.Kafka = Kafka{} }},
		{"Kafka away from the start", KafkaAway, "when the brokers answer", func(s *Status) { s.Kafka = Kafka{Problem: "refused"} }},
		{"Kafka away in an outage of MPC", KafkaAway, "", func(s *Status) { outage(s); s.Kafka.Problem = "refused" }},
	} {
		s := healthy()
		c.change(&s)
		if got := judge(&s); got.Name != c.want || !strings.Contains(got.Title+". "+got.Text, c.says) || got.Title == "" {
			t.Errorf("%s: %+v, want %s: …%s…", c.hazard, got, c.want, c.says)
		}
	}
}

func TestAnOutageSaysSinceWhenWhatCameLastAndWhatToDo(t *testing.T) {
	s := healthy()
	s.MPC.Available, s.MPC.DownSince, s.MPC.LastError, s.MPC.LastErrorAt = false, ago(time.Hour), "HTTP 401", ago(time.Second)
	s.MPC.LastErrorAdvice, s.Notes = "renew the key", []string{"another process uses KAFKA_INSTANCE_ID"}
	if got := judge(&s); !got.Since.Equal(noon.Add(-time.Hour)) || got.Error != "HTTP 401" || !got.ErrorAt.Equal(noon.Add(-time.Second)) || got.Advice != "Renew the key." {
		t.Errorf("%+v", got)
	}
	s = healthy()
	s.Kafka.Stuck = []string{"raise it"}
	if got := judge(&s); got.Advice != "raise it" {
		t.Errorf("%+v", got)
	}
}

func TestAMessageThatDoesNotFitSaysInOneSentenceWhatToSet(t *testing.T) {
	for setting, m := range map[string][]StuckMessage{
		"max.message.bytes=1114112": {{"dlq", 20, true}, {"other", 9 << 20, true}, {"dlq", 1<<20 + 1, true}},
		"max.message.bytes=65536":   {{"dlq", 61440, true}},
		"max.message.bytes=131072":  {{"dlq", 61441, true}},
		"cleanup.policy=delete":     {{"dlq", 20, false}},
	} {
		s := healthy()
		s.Kafka.Stuck, s.Kafka.StuckMessages = []string{"a long text"}, m
		got := judge(&s)
		if got.Name != Stuck || !strings.HasSuffix(got.Command, " --entity-name dlq --add-config "+setting) || strings.Contains(got.Text+got.Advice, "long text") {
			t.Errorf("%+v, want %s", got, setting)
		}
	}
}

// The last error is kept; in the next outage it must not be shown as the cause.
func TestAnOutageIsNotBlamedOnAnEarlierOnesError(t *testing.T) {
	for hazard, c := range map[string]struct {
		down, last *time.Time
		said       bool
	}{
		"the answer that opened the breaker": {ago(time.Hour), ago(time.Hour + time.Millisecond), true},
		"a probe's":                          {ago(time.Hour), ago(time.Second), true},
		"yesterday's":                        {ago(time.Hour), ago(20 * time.Hour), false},
		"MPC hangs, nothing has come yet":    {nil, ago(time.Hour), false},
		"MPC hangs, and a moment ago":        {nil, ago(time.Second), true},
	} {
		s := healthy()
		s.MPC = MPC{DownSince: c.down, LastError: "HTTP 401", LastErrorAt: c.last, LastErrorAdvice: "renew the key"}
		if got := judge(&s); got.Name != Outage || (got.Error != "") != c.said || (got.Advice != "") != c.said || (got.ErrorAt != nil) != c.said {
			t.Errorf("%s: %+v", hazard, got)
		}
	}
}

// Wrong credentials, a missing permission and an empty balance have in common that an
// operator must act. The headline says what to do, for this outage only.
func TestAnOutageThatAnOperatorMustEndSaysSoInTheHeadline(t *testing.T) {
	const headline = "MPC rejects our credentials: renew MPC_AUTH_TOKEN"
	for title, last := range map[string]*time.Time{headline: ago(time.Second), "MPC does not serve": ago(20 * time.Hour)} {
		s := healthy()
		s.MPC = MPC{DownSince: ago(time.Hour), LastError: "HTTP 401", LastErrorAt: last, LastErrorHeadline: headline}
		s.State = judge(&s)
		if s.State.Name != Outage || s.State.Title != title {
			t.Errorf("%+v, want %q", s.State, title)
		}
		e := evidence{now: noon, status: s, stories: []story.Story{a(story.Step{Kind: story.QuotaWait})}}
		if got := e.verdict(); got.Code != Outage || got.Title != "Still waiting: "+title {
			t.Errorf("%+v, want %q", got, title)
		}
	}
}

func TestAnOutageSaysWhoFindsOutThatItIsOver(t *testing.T) {
	for says, f := range map[string]Flow{
		"2 events wait, and none fails because of the outage. One request at a time": {Waiting: Waiting{Outage: 2}},
		"No event waits. The next one is called":                                     {},
		"Requests are in flight and get no answer. No other event":                   {InFlight: 1},
	} {
		s := healthy()
		s.MPC, s.Flow = MPC{}, f
		if f.InFlight == 0 {
			s.MPC.DownSince = ago(time.Hour)
		}
		if got := judge(&s); !strings.HasPrefix(got.Text, says) {
			t.Errorf("%q, want %q…", got.Text, says)
		}
	}
}

func TestPartitionsThatCannotBeReadAreNamed(t *testing.T) {
	s := healthy()
	s.Partitions = []Partition{{}, {Partition: 7, Problem: "fetching: refused"}}
	if got := judge(&s); got.Title != "Partition 7 cannot be read" || got.Error != "partition 7: fetching: refused" {
		t.Errorf("%+v", got)
	}
	s.Partitions[0].Problem = "fetching: timed out"
	if got := judge(&s); got.Title != "2 of 2 partitions cannot be read" || got.Error != "partition 0: fetching: timed out" {
		t.Errorf("%+v", got)
	}
}

func TestNoLimitIsNullBecauseJSONHasNoInfinity(t *testing.T) {
	text, err := json.Marshal(MPC{})
	if err != nil || !strings.Contains(string(text), `"rate_per_minute":null`) || !strings.Contains(string(text), `"down_since":null`) {
		t.Errorf("%s %v", text, err)
	}
}

func TestNumbersAndTimesReadWell(t *testing.T) {
	for n, want := range map[int]string{0: "0", 999: "999", 1000: "1,000", 1234567: "1,234,567"} {
		if got := group(n); got != want {
			t.Errorf("%d is %s", n, got)
		}
	}
	for d, want := range map[time.Duration]string{7 * time.Second: "7 seconds", 5 * time.Minute: "5 minutes", 3 * time.Hour: "3 hours", 72 * time.Hour: "3 days"} {
		if got := roughly(d); got != want {
			t.Errorf("%v is %s", d, got)
		}
	}
}
