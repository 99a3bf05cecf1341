package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"remux-retrier/internal/mpcsim"
	"remux-retrier/internal/page"
)

// TestThePageAloneShowsWhyATaskIsNotRetried causes the most frequent reasons in the real
// service. An outage is the hardest to explain: what an event began to wait for is not what
// it waits for now.
func TestThePageAloneShowsWhyATaskIsNotRetried(t *testing.T) {
	o := operate(t, map[string]string{
		"MPC_REQUESTS_PER_MINUTE": "240", "RETRY_BUDGET": "1", "MPC_TIMEOUT": "3s", "SHUTDOWN_TIMEOUT": "10s",
	})
	p := o.instance("retrier-0")
	if text := p.status().State.Title; text != "Nothing to do" {
		t.Errorf("before the first event: %s", text)
	}

	// Events that are answered at once.
	if err := o.mpc.Script("gone", mpcsim.Fail(404, "MPC.10211")); err != nil {
		t.Fatal(err)
	}
	o.publish("succeeded", `{"event_type":"RemuxComplete","remux_info":{"task_id":"succeeded","status":"SUCCEED"}}`)
	o.fail("often", "gone")
	o.publish("garbled", "{")
	p.waitForVerdict("often", "accepted", "Retried: MPC accepted it")
	o.fail("often")
	p.waitForVerdict("often", "budget_exhausted", "Not retried: its budget is exhausted", "1 retry was accepted within the window.")
	p.waitForVerdict("gone", "task_not_found", "Not retried: MPC does not know the task", "MPC answered: HTTP 404 MPC.10211")
	p.waitForVerdict("garbled", "dead_letter", "Not retried: its event is a dead letter", "not_json", "remux-retrier retry TASK_ID")
	p.waitForVerdict("succeeded", "never_seen", "There was no failure event of this task")
	p.waitFor("the latest are the four failures, without the success", func() (bool, string) {
		list := read[page.Latest](p, "/api/latest").Latest
		return len(list) == 4, fmt.Sprintf("%+v", list)
	})

	// A first outage leaves its error behind.
	o.setOutage(mpcsim.Down)
	o.fail("first", "twice")
	o.fail("twice")
	p.waitForVerdict("first", page.Outage, "Still waiting: MPC does not serve", "HTTP 503")
	p.waitForVerdict("twice", "duplicate", "for another event of the same task", "That one: Still waiting: MPC does not serve.")
	o.setOutage(mpcsim.NoOutage)
	p.waitForVerdict("twice", "covered", "a retry that was sent for another event answers this one too")

	// The quota.
	early := tasks("early", 12)
	o.fail(early...)
	p.waitForVerdict(early[11], page.QuotaWait, "Still waiting: for the quota", "requests a minute")

	// In the second outage the answers to calls are lost, and to the state queries that
	// follow.
	o.setOutage(mpcsim.Resetting)
	p.untilDown()
	late := tasks("late", 60)
	o.fail(late...)
	all := slices.Concat(early, late)
	p.waitFor("a state query has failed", func() (bool, string) {
		seen := map[string]int{}
		for _, id := range early {
			seen[last(p.remembers(id))]++
		}
		return seen["state"] > 0, fmt.Sprint(seen)
	})
	waiting := 0
	for _, id := range all {
		before := p.remembers(id)
		if last(before) == "" {
			continue
		}
		waiting++
		if v := before.Verdict; v.Code != page.Outage || v.Title != "Still waiting: MPC does not serve" || !strings.Contains(v.Text, "has not served since") || strings.Contains(v.Text, "HTTP 503") {
			t.Errorf("%s, in the outage, after %q: %+v", id, last(before), v)
		}
	}
	if waiting < len(late) {
		t.Errorf("only %d events wait", waiting)
	}

	// And after it.
	o.setOutage(mpcsim.NoOutage)
	p.waitFor("MPC serves again", func() (bool, string) { s := p.status(); return s.MPC.Available, s.State.Title })
	seen := map[string]int{}
	for over := time.Now().Add(3 * time.Second); time.Now().Before(over); {
		for _, id := range all {
			task := p.remembers(id)
			v := task.Verdict
			if last(task) == "" {
				continue
			}
			seen[v.Code]++
			if v.Code == page.Outage || strings.Contains(v.Title+v.Text, "does not serve") || strings.Contains(v.Text, "has not served") {
				t.Fatalf("%s, after the outage, after %q: %+v", id, last(task), v)
			}
		}
	}
	if seen[page.QuotaWait] == 0 {
		t.Errorf("no event waits for the quota after the outage: %v", seen)
	}
	// Some wait for their own turn, those behind them for the calls before theirs. Which ones
	// do depends on when each came back.
	for _, words := range []string{"MPC serves again. It waits for its turn to be called.", "calls before it"} {
		p.waitFor(words, func() (bool, string) {
			v := page.Verdict{}
			for _, id := range late {
				v = p.remembers(id).Verdict
				if v.Code == page.QuotaWait && v.Title == "Still waiting: for the quota" && strings.Contains(v.Text, words) && strings.Contains(v.Text, "requests a minute") {
					return true, ""
				}
			}
			return false, fmt.Sprintf("%+v", v)
		})
	}
	p.waitForVerdict(early[0], "accepted", "Retried: MPC accepted it")
}

// If another instance owns a task's partition, that instance's page shows what the task
// waits for.
func TestTheInstanceThatHasATaskIsNamedByTheOthers(t *testing.T) {
	o := operate(t, nil)
	o.setOutage(mpcsim.Down)
	one, two := o.instance("retrier-0"), o.instance("retrier-1")
	one.waitFor("the group shares the partitions", func() (bool, string) {
		s := one.status()
		return s.Kafka.Joined && s.Kafka.LedgerRead && len(s.Partitions) == 1, fmt.Sprintf("%+v", s.Partitions)
	})
	ids := tasks("task", 8)
	o.fail(ids...)
	one.untilDown()
	two.untilDown()
	here, there := 0, 0
	for _, id := range ids {
		var has *pageReader
		one.waitFor("an instance has "+id, func() (bool, string) {
			mine, theirs := one.remembers(id), two.remembers(id)
			if has = one; last(theirs) != "" {
				has = two
			}
			return last(mine) != "" || last(theirs) != "", fmt.Sprintf("%+v, %+v", mine, theirs)
		})
		has.waitForVerdict(id, page.Outage, "Still waiting: MPC does not serve")
		if has == one {
			here++
			continue
		}
		there++
		one.waitForVerdict(id, "in_topic", "Still waiting in the topic", "The instance retrier-1 owns that partition: its own page shows")
	}
	if here == 0 || there == 0 {
		t.Errorf("%d tasks here, %d there: the test needs some at both", here, there)
	}
}

// untilDown waits until the page shows that MPC does not serve.
func (p *pageReader) untilDown() {
	p.t.Helper()
	p.waitFor("MPC does not serve", func() (bool, string) { s := p.status(); return s.State.Name == page.Outage, s.State.Title })
}

func tasks(name string, n int) []string {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%s-%d", name, i)
	}
	return ids
}
