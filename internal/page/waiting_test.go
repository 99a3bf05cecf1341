package page

import (
	"strings"
	"testing"
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/story"
)

// inAnOutage is the status of a service that has waited for MPC for an hour.
func inAnOutage() Status {
	s := healthy()
	s.MPC.Available, s.MPC.DownSince, s.MPC.LastError, s.MPC.LastErrorAt = false, ago(time.Hour), "HTTP 503", ago(time.Second)
	s.State = judge(&s)
	return s
}

func TestAnUnansweredEventSaysWhatItWaitsForNow(t *testing.T) {
	change := func(s Status, change func(*Status)) Status {
		change(&s)
		s.State = judge(&s)
		return s
	}
	outage := inAnOutage()
	quota := change(healthy(), func(s *Status) { s.Flow.Waiting.Quota = 57 })
	stuck := func(s *Status) { s.Kafka.Stuck = []string{"raise max.message.bytes"} }
	lost := &events.APIError{Status: 503}
	for _, c := range []struct {
		hazard string
		status Status
		last   story.Step
		want   string
		says   string
	}{
		{"its turn has not come", quota, story.Step{Kind: story.QuotaWait, Detail: "73 before it"}, QuotaWait, "73 before it. 57 events wait at 95 requests"},
		{"an outage began while it waited for its turn", outage, story.Step{Kind: story.QuotaWait}, Outage, "since 11:00:00 UTC, so the task waits; it is called when MPC serves again. MPC's last answer, at 11:59:59 UTC: HTTP 503."},
		{"an outage began while it backed off", outage, story.Step{Kind: story.BackoffWait}, Outage, "not served since"},
		{"its answer was lost in the outage, and the state query's too", outage, story.Step{Kind: story.State, State: "not told", Error: lost}, Outage, "not served since"},
		{"an outage began while it was in doubt", outage, story.Step{Kind: story.Doubt}, Outage, "not served since"},
		{"an outage, and a message is stuck", change(outage, stuck), story.Step{Kind: story.QuotaWait}, Outage, "not served since"},
		{"an outage is over and it still waits", quota, story.Step{Kind: story.OutageWait, Detail: "since yesterday"}, QuotaWait, "MPC serves again. It waits for its turn to be called. 57 events wait at 95 requests"},
		{"an outage is over, and a message is stuck", change(quota, stuck), story.Step{Kind: story.OutageWait}, QuotaWait, "MPC serves again."},
		{"an outage has made its expected turn the past", quota, story.Step{Kind: story.QuotaWait, Detail: "73 before it", Until: noon.Add(-time.Minute)}, QuotaWait, "It waits for its turn to be called. 57"},
		{"an outage is over and there is no limit", change(healthy(), func(s *Status) { s.MPC.Rate, s.MPC.Share = nil, nil }), story.Step{Kind: story.OutageWait}, QuotaWait, "MPC serves again. It waits for its turn to be called."},
		{"throttled", change(healthy(), func(s *Status) { s.MPC.ThrottledLately = 1 }), story.Step{Kind: story.QuotaWait}, Throttled, "refuses calls because of its quota"},
		{"no share", change(healthy(), func(s *Status) { s.MPC.Share = rate(0) }), story.Step{Kind: story.QuotaWait}, NoShare, "Run fewer instances"},
		{"Kafka is away", change(outage, func(s *Status) { s.Kafka.Problem = "dial tcp: refused" }), story.Step{Kind: story.QuotaWait}, KafkaAway, "Kafka cannot record them. They resume by themselves when the brokers answer. What is wrong: dial tcp: refused."},
		{"its own call failed", quota, story.Step{Kind: story.BackoffWait, Until: noon}, backingOff, "12:00:00"},
		{"the state was not disclosed, while others are served", quota, story.Step{Kind: story.State, State: "not told", Error: lost}, asking, "did not disclose the task's state"},
		{"MPC may not have processed the call yet", quota, story.Step{Kind: story.Doubt, Until: noon.Add(time.Second)}, asking, "next state query at 12:00:01"},
		{"a duplicate is at work", quota, story.Step{Kind: story.DuplicateWait}, duplicate, "same task"},
		{"its call is under way", quota, story.Step{Kind: story.Call}, atWork, "Calls MPC"},
		{"decided, not published", outage, story.Step{Kind: story.Answered, Reason: events.Rejected}, publishing, "being published"},
		{"decided, and Kafka is away", change(healthy(), func(s *Status) { s.Kafka.Problem = "dial tcp: refused" }), story.Step{Kind: story.Answered, Reason: events.Rejected}, publishing, "when Kafka answers. What is wrong: dial tcp: refused."},
		{"decided, and it does not fit its topic", change(healthy(), stuck), story.Step{Kind: story.Answered, Reason: events.Rejected}, publishing, "raise max.message.bytes"},
		{"a dead letter on its way, in an outage", outage, story.Step{Kind: story.DeadLetterWait, Detail: "not_json, it ends too soon"}, deadLetter, "ends too soon. It is being published. It will not be retried in this form"},
		{"a dead letter on its way, while another does not fit", change(healthy(), stuck), story.Step{Kind: story.DeadLetterWait, Detail: "not_json", At: noon}, deadLetter, "It is being published."},
		{"a dead letter that does not fit its topic", change(healthy(), stuck), story.Step{Kind: story.DeadLetterWait, Detail: "not_json"}, Stuck, "raise max.message.bytes"},
	} {
		e := evidence{now: noon, status: c.status, stories: []story.Story{a(c.last)}}
		if steps := e.stories[0].Steps; !c.last.At.IsZero() {
			steps[len(steps)-1].At = c.last.At
		}
		if got := e.verdict(); got.Code != c.want || !strings.Contains(got.Text, c.says) || got.Title == "" || strings.Contains(got.Text, "yesterday") {
			t.Errorf("%s: %+v, want %s: …%s…", c.hazard, got, c.want, c.says)
		}
	}
}

func TestWhoWaitsForAnotherEventSaysWhatThatOneWaitsFor(t *testing.T) {
	e := evidence{now: noon, status: inAnOutage(), stories: []story.Story{a(story.Step{Kind: story.QuotaWait}), a(story.Step{Kind: story.DuplicateWait})}}
	if got := e.verdict(); got.Code != duplicate || !strings.HasSuffix(got.Text, "That one: Still waiting: MPC does not serve.") {
		t.Errorf("%+v", got)
	}
}

// The error of an earlier outage is not the cause of this one.
func TestATaskInAnOutageIsNotToldAnEarlierOnesError(t *testing.T) {
	s := inAnOutage()
	s.MPC.LastErrorAt = ago(2 * time.Hour)
	s.State = judge(&s)
	e := evidence{now: noon, status: s, stories: []story.Story{a(story.Step{Kind: story.QuotaWait})}}
	if got := e.verdict(); got.Code != Outage || strings.Contains(got.Text, "503") {
		t.Errorf("%+v", got)
	}
}
