//go:build kafka

package e2e

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// slowSession makes a wait for the session timeout visible.
var slowSession = []string{"KAFKA_SESSION_TIMEOUT", "30s"}

// A killed instance that starts again under the same name does not wait for its
// old session to time out. Not parallel: it measures time.
func TestAKilledInstanceIsBackWithinASecond(t *testing.T) {
	const kills = 5
	r := newRig(t, options{partitions: 4})
	s := r.start(podEnv("pod-0", slowSession...)...).ready()
	var ready, answered []time.Duration
	for i := range kills {
		s.kill()
		began := time.Now()
		s = r.start(podEnv("pod-0", slowSession...)...).ready()
		ready = append(ready, time.Since(began))
		// This event is new, so it was not called before.
		rec := r.load(fmt.Sprintf("after-kill-%d", i), 1)[0]
		r.waitForAnswers(i+1, 20*time.Second)
		answered = append(answered, r.collector.of(rec).DecidedAt.Sub(began))
	}
	r.finishWithoutRepeats(20 * time.Second)
	t.Logf("session timeout 30s, kill -9 and start again: ready after %v, first answer after %v", rounded(ready), rounded(answered))
	if took := median(answered); took > time.Second {
		t.Errorf("the first answer came %v after the start (median), want it within a second", took)
	}
	if worst := slices.Max(answered); worst > 5*time.Second {
		t.Errorf("the first answer came %v after a start: an instance waited for a session timeout", worst)
	}
}

// The group waits until the survivor has noticed the rebalance by its next heartbeat. One
// is sent every 150 ms. A name that is a prefix of another belongs to another instance.
func TestATakeOverLeavesTheSurvivorsAlone(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 4})
	r.start(podEnv("pod-10", slowSession...)...).ready()
	s := r.start(podEnv("pod-1", slowSession...)...).ready()
	survivor := r.memberOf("e2e-pod-10", 2)
	for i := range 3 {
		s.kill()
		began := time.Now()
		s = r.start(podEnv("pod-1", slowSession...)...)
		r.memberOf("e2e-pod-1", 2)
		s.ready()
		t.Logf("ready again with a survivor after %v", time.Since(began).Round(10*time.Millisecond))
		if took := time.Since(began); took > 8*time.Second {
			t.Errorf("it took %v", took)
		}
		if member := r.memberOf("e2e-pod-10", 2); member != survivor {
			t.Errorf("kill %d: the survivor was a member as %s, and is now %s", i+1, survivor, member)
		}
	}
	r.load("task", 100)
	r.finishWithoutRepeats(20 * time.Second)
	r.calledOnce(t, 100)
}

// memberOf waits until the client is the only member with its client id and owns
// this number of partitions. It returns the member id.
func (r *rig) memberOf(client string, partitions int) (id string) {
	r.t.Helper()
	waitFor(r.t, 20*time.Second, fmt.Sprintf("%s to own %d partitions", client, partitions), func() (bool, string) {
		group, err := r.admin.DescribeGroups(r.ctx, r.group)
		if err != nil {
			return false, err.Error()
		}
		var of []string
		owned := -1
		for _, m := range group[r.group].Members {
			if m.ClientID != client {
				continue
			}
			of = append(of, m.MemberID)
			if assigned, ok := m.Assigned.AsConsumer(); ok {
				owned = 0
				for _, topic := range assigned.Topics {
					owned += len(topic.Partitions)
				}
			}
		}
		if len(of) == 1 {
			id = of[0]
		}
		return len(of) == 1 && owned == partitions, fmt.Sprintf("group %s, members %q, %d partitions", group[r.group].State, of, owned)
	})
	return id
}

// An instance that starts removes a running one of the same name from the group, once. Then
// both work, and both report the problem. The older one does not remove the newer one.
func TestALiveSameNameMemberIsPushedOutOnceAndBothSaySo(t *testing.T) {
	t.Parallel()
	r := newRig(t, options{partitions: 4})
	older := r.start(podEnv("pod-0")...).ready()
	stop := r.publishSteadily(20 * time.Millisecond)
	r.waitForAnswers(50, 20*time.Second)
	newer := r.start(podEnv("pod-0")...).ready()
	for _, s := range []*service{older, newer} {
		s.waitFor(20*time.Second, "to report the same-name member in /readyz", func() (bool, string) {
			status, body := s.get("/readyz")
			return status == 200 && strings.Contains(body, "KAFKA_INSTANCE_ID"), body
		})
		s.waitForLog("another process uses KAFKA_INSTANCE_ID pod-0")
	}
	have := r.collector.count()
	r.waitForAnswers(have+100, 20*time.Second)
	all := stop()
	t.Logf("two instances of one name: %d and %d assignments, %d answers repeated",
		len(older.assignments()), len(newer.assignments()), len(r.finish(30*time.Second)))
	// One each at the start, and a few while the other joins or leaves.
	if n := len(older.assignments()) + len(newer.assignments()); n > 6 {
		t.Errorf("they were assigned partitions %d times: they remove each other again and again", n)
	}
	if again := r.calledAgain(); len(again) > 0 {
		t.Errorf("%d of %d tasks were called again: %q", len(again), len(all), firstFew(again))
	}
}

func rounded(times []time.Duration) (out []time.Duration) {
	for _, d := range times {
		out = append(out, d.Round(10*time.Millisecond))
	}
	return out
}
