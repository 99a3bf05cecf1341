//go:build kafka

package e2e

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

// failEveryCallOf publishes an event of a task whose calls all fail, while the API
// serves other tasks.
func (r *rig) failEveryCallOf(task string) *kgo.Record {
	r.t.Helper()
	must(r.t, r.mpc.Script(task, mpcsim.Fail(500, "APIGW.0605").Repeat(mpcsim.Always)))
	rec := event(task)
	r.publish(rec)
	return rec
}

// answerTimes returns how long events waited for their outcomes. Events without
// one are left out.
func (r *rig) answerTimes(events []*kgo.Record) (times []time.Duration) {
	for _, rec := range events {
		if o := r.collector.of(rec); o != nil {
			times = append(times, o.DecidedAt.Sub(rec.Timestamp))
		}
	}
	return times
}

func TestAnEventThatAlwaysFailsDisturbsNoOther(t *testing.T) {
	t.Parallel()
	const every = 50 * time.Millisecond
	with := newRig(t, options{sim: mpcsim.Config{Faults: healthy}})
	without := newRig(t, options{sim: mpcsim.Config{Faults: healthy}})
	with.start("RETRY_MAX_ATTEMPTS", "3").ready()
	without.start("RETRY_MAX_ATTEMPTS", "3").ready()
	stopWith, stopWithout := with.publishSteadily(every), without.publishSteadily(every)
	with.waitForAnswers(20, 20*time.Second)
	without.waitForAnswers(20, 20*time.Second)

	alwaysFailing := with.failEveryCallOf("always-failing")
	waitFor(t, time.Minute, "the event whose call always fails to be answered", func() (bool, string) {
		return with.collector.of(alwaysFailing) != nil, ""
	})
	others, undisturbed := stopWith(), stopWithout()
	with.finishWithoutRepeats(20 * time.Second)
	without.finishWithoutRepeats(20 * time.Second)

	o := with.collector.of(alwaysFailing)
	slow, quick := median(with.answerTimes(others)), median(without.answerTimes(undisturbed))
	t.Logf("always 500: %s after %d attempts and %.1fs; %d others: answered after %v (median), %v without it",
		o.Reason, o.Attempts, o.DecidedAt.Sub(alwaysFailing.Timestamp).Seconds(), len(others), slow, quick)
	if o.Reason != "attempts_exhausted" || o.Attempts < 3 || o.Error == nil || o.Error.Status != 500 {
		t.Errorf("the event whose call always fails: %s", o.record.Value)
	}
	if n := with.collector.reasons(); n["accepted"] != len(others) {
		t.Errorf("%d others, answered %v", len(others), n)
	}
	if slow > 2*quick+20*time.Millisecond {
		t.Errorf("others waited %v, and %v where no call failed", slow, quick)
	}
}

func TestAnEventThatAlwaysFailsAloneWaitsAndBlocksNoOther(t *testing.T) {
	t.Parallel()
	const duration, soon = 15 * time.Second, 3 * time.Second
	r := newRig(t, options{partitions: 1, sim: mpcsim.Config{Faults: healthy}})
	s := r.start("RETRY_MAX_ATTEMPTS", "3").ready()
	alwaysFailing := r.failEveryCallOf("always-failing")
	<-time.After(duration) // no other task is served meanwhile
	alone := r.mpc.Counters().Retries

	others := r.load("other", 5)
	r.waitForAnswers(len(others), 30*time.Second)
	slowest := time.Duration(0)
	for _, took := range r.answerTimes(others) {
		slowest = max(slowest, took)
	}
	t.Logf("always 500 on a quiet topic: %d calls and no answer in %v; %d events that came then were answered within %v",
		alone, duration, len(others), slowest)
	if alone < 4 || alone > int(duration/time.Second)+3 {
		t.Errorf("%d calls in %v: want at least 4, and about one a second at most", alone, duration)
	}
	if slowest > soon {
		t.Errorf("an event waited %v behind one whose call always fails", slowest)
	}
	if o := r.collector.of(alwaysFailing); o != nil {
		t.Errorf("it was answered, though too few others were served: %s", o.record.Value)
	}
	if at, err := r.committed(); err != nil || at[0] > alwaysFailing.Offset {
		t.Errorf("committed %v (%v): that event has no answer", at, err)
	}
	s.stop()
}
