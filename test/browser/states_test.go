//go:build browser

package browser

import (
	"strings"
	"testing"
	"time"

	"remux-retrier/internal/page"
	"remux-retrier/internal/plain"
)

// states are the states of a service, and what the page must say at a glance. The part of a
// name before its hyphen is the page's own name of the state (data-state).
var states = []struct {
	name string
	set  func(*page.Status)
	says []string
}{
	{"idle", func(s *page.Status) {
		s.Flow = page.Flow{LagKnown: true}
		for i := range s.Partitions {
			s.Partitions[i].End, s.Partitions[i].Unanswered, s.Partitions[i].OldestAt = s.Partitions[i].Committed, 0, nil
			s.Partitions[i].Next = s.Partitions[i].Committed
		}
	}, []string{"Nothing to do"}},
	{"working", func(*page.Status) {}, []string{"Working"}},
	{"quota", func(s *page.Status) {
		s.Flow.Lag, s.Flow.Unanswered, s.Flow.Held, s.Flow.Waiting = 4812, 4812, 2248, page.Waiting{Quota: 2044, Backoff: 131}
		s.Flow.OldestAt = &plain.Time{Time: time.Now().Add(-23 * time.Minute)}
	}, []string{"Waiting for the quota", "2,044 events wait", "95 requests a minute", "22 minutes"}},
	{"quota-crowded", func(s *page.Status) { // large numbers, and all that the page can show
		s.Instance, s.MPC.Quota, s.MPC.Share, s.MPC.Rate = "remux-retrier-7c9f8d6b5-x2x9q", per(6000), per(333.4), per(316.7)
		s.Flow.Lag, s.Flow.Unanswered, s.Flow.Held, s.Flow.Waiting = 1_204_812, 1_204_812, 99_999, page.Waiting{Quota: 2044, Outage: 20_111, Backoff: 31_131, Kafka: 10_012}
		s.Flow.OldestAt = &plain.Time{Time: time.Now().Add(-23 * time.Hour)}
		s.Notes = []string{"Another process uses KAFKA_INSTANCE_ID remux-retrier-0: give each its own"}
		for i := range 40 {
			s.Partitions = append(s.Partitions, page.Partition{Partition: 4 + i, Committed: 1000, Next: 2000, End: 30_000, Unanswered: 400})
		}
		for i := range 8 {
			s.Retries = append(s.Retries, page.RetriesOfHour{From: time.Now().Add(time.Duration(i-30) * time.Hour).Truncate(time.Hour), Accepted: 1200, Recovered: 900, FailedAgain: 100, Recent: 50, NotHeardOf: 150})
		}
	}, []string{"Waiting for the quota", "2,044 events wait at 317 requests a minute", "give each its own"}},
	{"outage", func(s *page.Status) {
		s.MPC.Available, s.MPC.DownSince = false, at(time.Now().Add(-12*time.Minute))
		s.MPC.LastError, s.MPC.LastErrorAt = "retry: HTTP 503 MPC.10201 (Service unavailable.): transient", at(time.Now().Add(-3*time.Second))
		s.Flow.Lag, s.Flow.Unanswered, s.Flow.Held, s.Flow.Waiting = 412, 412, 412, page.Waiting{Outage: 411}
	}, []string{"MPC does not serve", "for 12 min", "411 events wait", "HTTP 503 MPC.10201"}},
	{"outage-credentials", func(s *page.Status) {
		s.MPC.Available, s.MPC.DownSince = false, at(time.Now().Add(-12*time.Minute))
		s.MPC.LastError, s.MPC.LastErrorAt = "MPC retry: operator: HTTP 401 APIG.0301 \"Incorrect IAM authentication information\"", at(time.Now().Add(-3*time.Second))
		s.MPC.LastErrorAdvice, s.MPC.LastErrorHeadline = "the user token (MPC_AUTH_TOKEN) has expired or is not valid here: set a new one", "MPC rejects our credentials: renew MPC_AUTH_TOKEN"
		s.Notes = []string{s.MPC.LastErrorAdvice}
		s.Flow.Lag, s.Flow.Unanswered, s.Flow.Held, s.Flow.Waiting = 412, 412, 412, page.Waiting{Outage: 411}
	}, []string{"MPC rejects our credentials: renew MPC_AUTH_TOKEN", "The user token (MPC_AUTH_TOKEN) has expired", "411 events wait", "HTTP 401 APIG.0301"}},
	{"throttled", func(s *page.Status) {
		s.MPC.Throttled = s.MPC.Requests / 20
		s.MPC.ThrottledSince, s.MPC.Admitted, s.MPC.Rate = at(time.Now().Add(-7*time.Minute)), per(63), per(61)
		s.Notes = []string{"Throttled by MPC since 2026-11-23 08:00:00 UTC: 63 of 100 calls a minute admitted"}
		s.Flow.Waiting.Quota, s.Flow.Lag, s.Flow.Unanswered, s.Flow.Held = 38, 44, 44, 44
	}, []string{"Throttled by MPC: 63 of 100 calls a minute admitted", "for 7 min", "61 requests a minute"}},
	{"kafka_away", func(s *page.Status) {
		s.Kafka.Problem = "commit offsets of group remux-retrier: dial tcp 10.0.4.17:9092: connect: connection refused"
		s.Checks[0] = page.Check{Name: "brokers", Detail: s.Kafka.Problem}
		s.Flow.LagKnown, s.Flow.Waiting = false, page.Waiting{Kafka: 3}
	}, []string{"Kafka does not answer", "connection refused"}},
	{"topic_absent", func(s *page.Status) {
		s.Kafka.Absent = []string{"remux.retry_failed"}
		s.Checks[3] = page.Check{Name: "publishing", Detail: "topic remux.retry_failed does not exist: create it as it was, or restart with KAFKA_CREATE_TOPICS=true"}
		s.Flow.Waiting = page.Waiting{Kafka: 3}
	}, []string{"Topic remux.retry_failed does not exist", "Create it as before"}},
	{"no_share", func(s *page.Status) { s.MPC.Share, s.MPC.Rate = per(0), per(0) }, []string{"share of the quota is 0", "Run fewer instances"}},
	{"partition", func(s *page.Status) {
		s.Partitions[2].Problem = "fetching: dial tcp 10.0.4.17:9092: i/o timeout"
		s.Checks[0] = page.Check{Name: "brokers", Detail: "partition 2: " + s.Partitions[2].Problem}
	}, []string{"Partition 2 cannot be read", "partition 2: fetching: dial tcp 10.0.4.17:9092: i/o timeout"}},
	{"stuck", func(s *page.Status) {
		s.Kafka.Stuck = []string{"topic remux.failed.dlq rejects a message of 1048600 bytes; its record cannot be committed until the topic accepts it: larger than the topic allows: raise its max.message.bytes"}
		s.Kafka.StuckMessages = []page.StuckMessage{{Topic: "remux.failed.dlq", Bytes: 1_048_600, TooLarge: true}}
		s.Checks[3] = page.Check{Name: "publishing", Detail: s.Kafka.Stuck[0]}
	}, []string{"A topic rejects a message", "Topic remux.failed.dlq rejects a message of 1,048,600 bytes; its partition waits", "--entity-name remux.failed.dlq --add-config max.message.bytes=1114112"}},
	{"standby", func(s *page.Status) {
		s.Partitions, s.Flow, s.MPC.Share, s.MPC.Rate = []page.Partition{}, page.Flow{LagKnown: true}, per(0), per(0)
	}, []string{"Standing by", "takes over"}},
	{"joining", func(s *page.Status) {
		s.Kafka.Joined, s.Partitions, s.Flow = false, []page.Partition{}, page.Flow{}
		s.Checks[1] = page.Check{Name: "group", Detail: "has not joined the consumer group, or the group is rebalancing"}
	}, []string{"Joining the group"}},
	{"reading", func(s *page.Status) {
		s.Kafka.LedgerRead = false
		s.Checks[2] = page.Check{Name: "ledger", Detail: "reading the outcome topics"}
	}, []string{"Reading the outcome topics", "earlier outcomes are known"}},
	{"starting", func(s *page.Status) { s.Kafka, s.Partitions, s.Flow = page.Kafka{}, []page.Partition{}, page.Flow{} }, []string{"Starting"}},
}

func TestEachStateIsSaidAtAGlanceAtEverySize(t *testing.T) {
	t.Parallel()
	for _, state := range states {
		s := newService(state.set).withAnswers()
		if state.name == "idle" {
			s.until = 55
		}
		url, _ := serve(t, s, s.clock, "")
		for _, w := range sizes {
			t.Run(state.name+"/"+w.name, func(t *testing.T) {
				kind, _, _ := strings.Cut(state.name, "-")
				b := open(t, url, w, map[bool]string{true: "dark", false: "light"}[w.phone])
				b.until(`document.getElementById('state').dataset.state === '` + kind + `'`)
				b.until(`document.getElementById('about').textContent.includes('up 60 min')`) // the hour has passed
				words := b.text("#state")
				for _, say := range state.says {
					if !strings.Contains(words, say) {
						t.Errorf("%q is not said: %q", say, words)
					}
				}
				if flow := b.text("#flow") + value[string](b, `document.getElementById('flow').getAttribute('aria-label')`); state.name == "kafka_away" &&
					(!strings.Contains(flow, "Kafka 3") || !strings.Contains(flow, "≥ 6") || !strings.Contains(flow, "unanswered: at least 6, lag: at least 6")) {
					t.Errorf("the picture of the flow does not say what waits, or takes what is not known for known: %q", flow)
				}
				if n := strings.Count(words, state.says[0]); n > 1 {
					t.Errorf("%q is said %d times: %q", state.says[0], n, words)
				}
				if bottom := b.number(`document.getElementById('state').getBoundingClientRect().bottom`); bottom > float64(w.height) {
					t.Errorf("one has to scroll to read it: it ends at %v", bottom)
				}
				b.keep(state.name + "-" + w.name)
				b.checkPage(url)
			})
		}
	}
}
