//go:build kafka

package e2e

import (
	"maps"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"remux-retrier/internal/mpcsim"
)

// The outcome topics show what was answered, also when the group's offsets are
// lost.
func TestAnsweredEventsThatComeAgainCostNothing(t *testing.T) {
	t.Parallel()
	for name, resetOffsets := range map[string]func(r *rig) error{
		"offsets reset to the beginning": func(r *rig) error {
			var beginning kadm.Offsets
			for p := range int32(4) {
				beginning.AddOffset(r.failed, p, 0, -1)
			}
			return r.admin.CommitAllOffsets(r.ctx, r.group, beginning)
		},
		"offsets expired": func(r *rig) error {
			_, err := r.admin.DeleteGroup(r.ctx, r.group)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const events = 1000
			// A task fails again at once: a repeated call would be accepted.
			r := newRig(t, options{partitions: 4, sim: mpcsim.Config{Then: mpcsim.StatusFailed}})
			must(t, r.mpc.Script("task-7", mpcsim.Fail(404, "MPC.10211")))
			r.load("task", events)
			s := r.start().ready()
			r.waitForAnswers(events, 30*time.Second)
			s.stop()
			before := r.written()
			must(t, resetOffsets(r))

			r.start().ready()
			r.waitForCommits() // an event published earlier could be among those in doubt, and be queried
			fresh := r.publish(event("fresh"))[0]
			r.finishWithoutRepeats(30 * time.Second)
			n := r.mpc.Counters()
			t.Logf("%s, with %d events answered before: %d further calls, %d queries", name, events, n.Retries-events-1, n.Queries)
			if n.Retries != events+1 || n.Queries != 0 {
				t.Errorf("%d calls and %d queries for %d events and a later one: want one call each", n.Retries, n.Queries, events)
			}
			after := r.written()
			after[r.collector.of(fresh).record.Topic]--
			if !maps.Equal(before, after) {
				t.Errorf("outcomes before the reset: %v; now, without the later event's: %v", before, after)
			}
		})
	}
}

// written counts the records of each outcome topic.
func (r *rig) written() map[string]int64 {
	r.t.Helper()
	n := map[string]int64{}
	for _, topic := range []string{r.retried, r.retryFailed} {
		ends, err := r.ends(topic)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, end := range ends {
			n[topic] += end
		}
	}
	return n
}
