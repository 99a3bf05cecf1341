//go:build kafka

package e2e

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// The service has no limit configured, and the API admits ten calls a second.
func TestAnUnknownLimitIsFoundAndKept(t *testing.T) {
	t.Parallel()
	const (
		admits          = 10
		settles, steady = 10 * time.Second, 30 * time.Second
	)
	r := newRig(t, options{sim: mpcsim.Config{Faults: mpcsim.Faults{Latency: healthy.Latency, PerSecond: admits}}})
	all := r.load("task", 2*admits*int((settles+steady)/time.Second))
	r.start().ready()
	must(t, r.mpc.Await(r.ctx, mpcsim.Retry, 1))
	began := r.mpc.Requests()[0].At
	<-time.After(time.Until(began.Add(settles + steady))) // the measured interval
	seen := r.mpc.Requests()

	total, wasted := intervalSince(began, settles+steady).requests(seen)
	later, throttled := intervalSince(began.Add(settles), steady).requests(seen)
	ideal := admits * (settles + steady).Seconds()
	speed, refused := float64(total-wasted)/ideal, float64(throttled)/float64(later)
	t.Logf("10 calls a second admitted, unknown to us, %v: %d served, %.0f%% of the ideal speed (%.0f%% after %v); throttled %d in all, %d of %d calls after %v, %.1f%%",
		settles+steady, total-wasted, 100*speed, 100*float64(later-throttled)/(admits*steady.Seconds()), settles,
		wasted, throttled, later, settles, 100*refused)
	if refused > 0.05 {
		t.Errorf("%d of %d calls were throttled after the first %v, more than 5 %%", throttled, later, settles)
	}
	if speed < 0.85 {
		t.Errorf("%d calls were served in %v, less than 85 %% of %.0f", total-wasted, settles+steady, ideal)
	}
	must(t, r.mpc.SetFaults(healthy))
	r.finishWithoutRepeats(60 * time.Second)
	r.onlyRetried(t)
	r.acceptedAtMostOnce(t, all)
}

func TestAnOldEventIsAnsweredWithoutACall(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{sim: mpcsim.Config{Faults: healthy}})
	old, fresh := map[string]time.Duration{
		"a little too old": time.Hour + time.Minute, "days old": 72 * time.Hour,
	}, map[string]time.Duration{
		"just now": 0, "nearly too old": 55 * time.Minute, "of a clock that is ahead": -time.Hour,
	}
	events := map[string]*kgo.Record{}
	for _, ages := range []map[string]time.Duration{old, fresh} {
		for task, age := range ages {
			events[task] = event(notAlphanumeric.ReplaceAllString(task, "-"))
			events[task].Timestamp = time.Now().Add(-age)
			r.publish(events[task])
		}
	}
	r.start("RETRY_MAX_EVENT_AGE", "1h").ready()
	r.finishWithoutRepeats(30 * time.Second)
	for task, rec := range events {
		kind, reason, attempts := "retried", "accepted", 1
		if old[task] > 0 {
			kind, reason, attempts = "retry_failed", "expired", 0
		}
		if o := r.collector.of(rec); o.Outcome != kind || o.Reason != reason || o.Attempts != attempts {
			t.Errorf("an event %s: %s, want %s %s", task, o.record.Value, kind, reason)
		}
		if n := r.mpc.Accepted(string(rec.Key)); n != attempts {
			t.Errorf("an event %s: %d calls, want %d", task, n, attempts)
		}
	}
	n := r.mpc.Counters()
	t.Logf("RETRY_MAX_EVENT_AGE=1h: %d events, %d expired, %d calls", len(events), r.collector.reasons()["expired"], n.Retries)
	if n.Retries != len(fresh) || n.Queries != 0 {
		t.Errorf("%d calls and %d queries for %d fresh events", n.Retries, n.Queries, len(fresh))
	}
}
