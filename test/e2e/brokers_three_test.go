//go:build kafka

package e2e

import (
	"context"
	"fmt"
	"testing"
	"time"

	"remux-retrier/internal/mpcsim"
	"remux-retrier/internal/testkafka"
)

// threeBrokers is a cluster that notices a dead broker sooner than by default, to
// make tests faster.
var threeBrokers = testkafka.Config{Brokers: 3, Properties: map[string]string{
	"broker.session.timeout.ms": "4000", "broker.heartbeat.interval.ms": "500",
}}

// A partition's leader dies, then the group's coordinator, then two of three
// brokers at once, so that no write has enough replicas. Committed events are
// answered at every moment, and no failure is retried twice.
func TestInvariant1BrokersThatDieLoseNothing(t *testing.T) {
	t.Parallel()
	const instances, inFlight = 2, 8
	c, o := ownCluster(t, threeBrokers, options{
		partitions: 3, sim: mpcsim.Config{ProcessingFor: time.Hour, Faults: healthy}})
	r := newRig(t, o)
	for range instances {
		r.start("MPC_MAX_IN_FLIGHT", fmt.Sprint(inFlight))
	}
	for _, s := range r.services {
		s.ready()
	}
	stop := r.publishSteadily(10 * time.Millisecond)
	var mishaps []interval
	for _, mishap := range []struct {
		who  string
		kill func() []int
	}{
		{"a leader", func() []int { return []int{r.leader()} }},
		{"the coordinator", func() []int { return []int{r.coordinator()} }},
		{"two of three", func() []int { i := r.leader(); return []int{i, (i + 1) % 3} }},
	} {
		have := r.collector.count()
		r.waitForAnswers(have+100, 60*time.Second)
		dying := mishap.kill()
		// The last writes before the kill may be left without an acknowledgement.
		this := interval{from: time.Now().Add(-2 * time.Second)}
		began := time.Now()
		for _, i := range dying {
			must(t, c.Kill(i))
		}
		if len(dying) == 1 { // the other two go on
			have = r.collector.count()
			r.waitForAnswers(have+100, 60*time.Second)
			t.Logf("%s was killed: 100 further answers after %v", mishap.who, time.Since(began).Round(10*time.Millisecond))
			r.committedIsAnswered()
		} else {
			r.services[0].waitFor(30*time.Second, "to say that Kafka does not answer", func() (bool, string) {
				status, body := r.services[0].get("/readyz")
				return status == 503, body
			})
			if status, body := r.services[0].get("/healthz"); status != 200 {
				t.Errorf("/healthz with %s brokers dead: %d %s", mishap.who, status, body)
			}
		}
		for _, i := range dying {
			must(t, c.Restart(r.ctx, i))
		}
		waitFor(t, 60*time.Second, "all replicas to be in sync", func() (bool, string) { return r.inSync(r.ctx, 3) })
		have = r.collector.count()
		r.waitForAnswers(have+100, 60*time.Second)
		this.to = time.Now()
		mishaps = append(mishaps, this)
		r.committedIsAnswered()
	}
	all := stop()
	repeats := r.finish(60 * time.Second)
	r.acceptedAtMostOnce(t, all)
	n := r.mpc.Counters()
	t.Logf("three brokers, %d times some killed: %d events, %d calls, %d accepted, %d queries, outcomes %v, %d repeated",
		len(mishaps), len(all), n.Retries, n.Accepted, n.Queries, r.collector.reasons(), len(repeats))
	if n.Accepted != len(all) {
		t.Errorf("%d retries were accepted for %d failures", n.Accepted, len(all))
	}
	if again := r.calledAgain(); len(again) > 0 {
		t.Errorf("%d tasks were called again after their retry had been accepted: %q", len(again), firstFew(again))
	}
	if n := r.collector.reasons(); n["accepted"]+n["already_running"] != len(all) {
		t.Errorf("%d events, answered %v", len(all), n)
	}
	// The collector has checked that a repeat has its first's ce_id and outcome.
	if most := len(mishaps) * instances * 2 * inFlight; len(repeats) > most {
		t.Errorf("%d outcomes were repeated; at most %d acknowledgements can have been lost", len(repeats), most)
	}
	for _, o := range r.collector.repeated {
		if !within(mishaps, o.DecidedAt) {
			t.Errorf("an outcome was repeated that was not decided while a broker was dead: %s", o.record.Value)
		}
	}
}

// within reports whether a time lies in one of the intervals.
func within(all []interval, at time.Time) bool {
	for _, s := range all {
		if at.After(s.from) && at.Before(s.to) {
			return true
		}
	}
	return false
}

// coordinator returns the index in the cluster of the group's coordinator.
func (r *rig) coordinator() int {
	r.t.Helper()
	answer := r.admin.FindGroupCoordinators(r.ctx, r.group)[r.group]
	must(r.t, answer.Err)
	return int(answer.NodeID) - 1
}

// leader returns the index of a broker that leads a partition of the failed topic
// and is not the group's coordinator.
func (r *rig) leader() int {
	r.t.Helper()
	topics, err := r.admin.ListTopics(r.ctx, r.failed)
	must(r.t, err)
	coordinator := r.coordinator()
	for _, p := range topics[r.failed].Partitions {
		if i := int(p.Leader) - 1; i >= 0 && i != coordinator {
			return i
		}
	}
	r.t.Fatalf("the coordinator, broker %d, leads every partition: %v", coordinator, topics)
	return -1
}

// inSync reports whether every partition, also of the topic of committed offsets,
// has this number of replicas in sync.
func (r *rig) inSync(ctx context.Context, replicas int) (bool, string) {
	topics, err := r.admin.ListTopicsWithInternal(ctx, append(topicsOf(r), "__consumer_offsets")...)
	if err != nil {
		return false, err.Error()
	}
	for name, topic := range topics {
		for id, p := range topic.Partitions {
			if len(p.ISR) != replicas || p.Leader < 0 {
				return false, fmt.Sprintf("%s/%d: leader %d, in sync %v", name, id, p.Leader, p.ISR)
			}
		}
	}
	return true, ""
}

func topicsOf(r *rig) []string { return []string{r.failed, r.retried, r.retryFailed, r.deadLetter} }
