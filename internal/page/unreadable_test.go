package page

import (
	"strings"
	"testing"
	"time"

	"remux-retrier/internal/metrics"
)

// flood adds unreadable and readable records within a minute.
func flood(t *testing.T, s *source, p *Page, dead, readable int64) Status {
	t.Helper()
	s.change(func() {
		s.now = s.now.Add(time.Minute - refresh)
		s.totals = metrics.Totals{Events: []metrics.EventCount{
			{Outcome: "retried", Reason: "accepted", Count: readable},
			{Outcome: metrics.DeadLetter, Reason: "no_task_id", Count: dead}, {Outcome: metrics.DeadLetter, Reason: "not_json", Count: dead / 4},
		}}
	})
	return pass(t, p, s)
}

func working(s *source) {
	s.status = healthy()
	s.status.Checks, s.status.Notes = []Check{}, []string{}
}

func TestAFloodOfUnreadableRecordsIsNoWorkingService(t *testing.T) {
	s := newSource()
	working(s)
	p := newPage(t, s)
	got := flood(t, s, p, 600, 100)
	if got.State.Name != Unreadable || got.State.Title != "750 unreadable records in 1 min: no_task_id, not_json" || got.State.Advice == "" {
		t.Errorf("%+v", got.State)
	}
	if got.Letters.Count != 750 || got.Letters.Of != 850 {
		t.Errorf("%+v", got.Letters)
	}
	s.change(func() { s.now = s.now.Add(lettersWindow - 2*refresh) })
	if got := pass(t, p, s); got.State.Name != Unreadable {
		t.Errorf("within five minutes: %+v", got.State)
	}
	s.change(func() { s.now = s.now.Add(lettersWindow) })
	if got := pass(t, p, s); got.State.Name == Unreadable || got.Letters.Count != 0 {
		t.Errorf("long after the flood: %+v, %+v", got.State, got.Letters)
	}
}

func TestAFewUnreadableRecordsAreNoFlood(t *testing.T) {
	for _, c := range []struct {
		dead, readable int64
		many           bool
	}{{8, 0, false}, {16, 0, true}, {16, 400, false}, {80, 400_000, true}} {
		s := newSource()
		working(s)
		if got := flood(t, s, newPage(t, s), c.dead, c.readable); (got.State.Name == Unreadable) != c.many {
			t.Errorf("%d beside %d: %+v", c.dead, c.readable, got.State)
		}
	}
}

func TestAFloodHidesNeitherAnOutageNorTheQuota(t *testing.T) {
	s := healthy()
	s.Letters = Letters{Count: 600, Of: 600, Seconds: 300, Reasons: []string{"no_task_id"}}
	s.Flow.Waiting.Quota = 5700
	if got := judge(&s); got.Title != "600 unreadable records in 5 min: no_task_id" || !strings.Contains(got.Text, "Also: Waiting for the quota.") {
		t.Errorf("%+v", got)
	}
	s.MPC.Available, s.MPC.DownSince = false, ago(time.Hour)
	if got := judge(&s); got.Name != Outage {
		t.Errorf("%+v", got)
	}
}
