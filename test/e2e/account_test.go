//go:build kafka

package e2e

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// waitForAnswers waits until n events have an outcome or a dead letter.
func (r *rig) waitForAnswers(n int, within time.Duration) {
	r.t.Helper()
	waitFor(r.t, within, fmt.Sprintf("%d answers", n), func() (bool, string) {
		have := r.collector.count()
		return have >= n, fmt.Sprintf("there are %d, by reason %v", have, r.collector.reasons())
	})
}

// expectedAnswers counts the published events that must be answered.
func (r *rig) expectedAnswers() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.published) - len(r.unanswerable)
}

// finish waits until every event is answered and committed, and stops the
// services. Then it checks the account: one answer for each event, and no answer
// without an event. It returns the repeated answers, which only a crash may cause.
func (r *rig) finish(within time.Duration) (repeats []string) {
	r.t.Helper()
	r.waitForAnswers(r.expectedAnswers(), within)
	r.waitForCommits()
	for _, s := range r.services {
		if s.running() {
			s.stop()
		}
	}
	r.readAll()
	return r.checkAccount()
}

// waitForCommits waits until the offsets are committed up to the failed topic's ends.
func (r *rig) waitForCommits() {
	r.t.Helper()
	waitFor(r.t, 20*time.Second, "the group to commit the topic's end", func() (bool, string) {
		ends, err := r.ends(r.failed)
		if err != nil {
			return false, err.Error()
		}
		at, err := r.committed()
		for p, end := range ends {
			if end > 0 && at[p] != end {
				return false, fmt.Sprintf("committed %v of %v", at, ends)
			}
		}
		return err == nil, fmt.Sprint(err)
	})
}

// finishWithoutRepeats is finish for scenarios in which no answer may be repeated.
func (r *rig) finishWithoutRepeats(within time.Duration) {
	r.t.Helper()
	if repeats := r.finish(within); len(repeats) > 0 {
		r.t.Errorf("%d answers were repeated without a crash: %q", len(repeats), firstFew(repeats))
	}
}

// readAll waits until the collector has read up to the topics' ends as they are
// now. More records may be written meanwhile.
func (r *rig) readAll() {
	r.t.Helper()
	for _, topic := range []string{r.retried, r.retryFailed, r.deadLetter} {
		var ends map[int32]int64
		waitFor(r.t, 20*time.Second, "the ends of "+topic, func() (bool, string) {
			var err error
			ends, err = r.ends(topic)
			return err == nil, fmt.Sprint(err)
		})
		waitFor(r.t, 20*time.Second, "the collector to read "+topic, func() (bool, string) {
			r.collector.mu.Lock()
			defer r.collector.mu.Unlock()
			read := r.collector.read[topic]
			for p, end := range ends {
				if read[p] < end {
					return false, fmt.Sprintf("%v of %v", read, ends)
				}
			}
			return true, ""
		})
	}
}

// checkAccount compares the published events with the collected answers, and
// returns the repeated ones.
func (r *rig) checkAccount() []string {
	r.t.Helper()
	c := r.collector
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, problem := range firstFew(c.wrong) {
		r.t.Error(problem)
	}
	for at, rec := range r.published {
		o, l := c.outcomes[at], c.letters[at]
		switch {
		case r.unanswerable[at] && (o != nil || l != nil):
			r.t.Errorf("%+v is no failure event and was answered: %s", at, rec.Value)
		case !r.unanswerable[at] && o == nil && l == nil:
			r.t.Errorf("%+v has no answer", at)
		case o != nil && l != nil:
			r.t.Errorf("%+v has an outcome and a dead letter", at)
		}
	}
	for _, at := range slices.Concat(slices.Collect(maps.Keys(c.outcomes)), slices.Collect(maps.Keys(c.letters))) {
		if r.published[at] == nil {
			r.t.Errorf("an answer to %+v, where no event was published", at)
		}
	}
	r.t.Logf("account: %d events in = %d outcomes + %d dead letters + %d ignored; %d repeats",
		len(r.published), len(c.outcomes), len(c.letters), len(r.unanswerable), len(c.repeats))
	return c.repeats
}

// firstFew returns at most five elements, for error messages.
func firstFew(list []string) []string { return list[:min(len(list), 5)] }

// calledOnce checks that each task was called once, and that the call was accepted.
func (r *rig) calledOnce(t *testing.T, tasks int) {
	t.Helper()
	n := r.mpc.Counters()
	if n.Retries != tasks || n.Accepted != tasks {
		t.Errorf("%d retry calls, %d accepted, for %d tasks: want one each", n.Retries, n.Accepted, tasks)
	}
}

// acceptedAtMostOnce checks that no task's retry was accepted twice, however
// often it was called.
func (r *rig) acceptedAtMostOnce(t *testing.T, records []*kgo.Record) {
	t.Helper()
	for _, rec := range records {
		if n := r.mpc.Accepted(string(rec.Key)); n > 1 {
			t.Errorf("task %s was retried %d times", rec.Key, n)
		}
	}
}
