//go:build kafka

package e2e

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"remux-retrier/internal/mpcsim"
	"remux-retrier/internal/testkafka"
)

// A garbage collection, a slow disk or a live migration is shorter than the
// session, so it must cause no rebalance.
func TestABrokerThatStandsStillForSecondsEndsNoGeneration(t *testing.T) {
	t.Parallel()
	c, o := ownCluster(t, testkafka.Config{}, options{sim: mpcsim.Config{ProcessingFor: time.Hour, Faults: mpcsim.Faults{Latency: 50 * time.Millisecond}}})
	r := newRig(t, o)
	a, b := r.start("KAFKA_SESSION_TIMEOUT", "10s"), r.start("KAFKA_SESSION_TIMEOUT", "10s")
	a.ready()
	b.ready()
	stop := r.publishSteadily(10 * time.Millisecond)
	r.waitForAnswers(200, 40*time.Second)
	assigned := func() (n int) { return len(a.assignments()) + len(b.assignments()) }
	before := assigned()
	for range 2 {
		must(t, c.Pause(0))
		time.Sleep(4 * time.Second)
		must(t, c.Resume(0))
		have := r.collector.count()
		r.waitForAnswers(have+200, 40*time.Second)
	}
	if n := assigned() - before; n != 0 {
		t.Errorf("%d generations began", n)
	}
	all := stop()
	r.finishWithoutRepeats(60 * time.Second)
	r.acceptedAtMostOnce(t, all)
}

// clientQuota sets a Kafka quota for all client ids.
func (r *rig) clientQuota(key string, value float64) {
	r.t.Helper()
	entry := kmsg.NewAlterClientQuotasRequestEntry()
	entity := kmsg.NewAlterClientQuotasRequestEntryEntity()
	entity.Type = "client-id" // without a name: all clients
	op := kmsg.NewAlterClientQuotasRequestEntryOp()
	op.Key, op.Value = key, value
	entry.Entity, entry.Ops = append(entry.Entity, entity), append(entry.Ops, op)
	req := kmsg.NewAlterClientQuotasRequest()
	req.Entries = append(req.Entries, entry)
	res, err := req.RequestWith(r.ctx, r.client)
	must(r.t, err)
	must(r.t, kerr.ErrorForCode(res.Entries[0].ErrorCode))
}

// The brokers answer a throttled fetch at once, without records, and then mute
// its connection for a while (KIP-219).
func TestAKafkaQuotaSlowsReadingAndHarmsNothing(t *testing.T) {
	t.Parallel()
	_, o := ownCluster(t, testkafka.Config{}, options{sim: mpcsim.Config{ProcessingFor: time.Hour, Faults: healthy}})
	r := newRig(t, o)
	const n = 400
	var backlog []*kgo.Record
	for i := range n {
		rec := event(fmt.Sprint("task-", i))
		padding := make([]byte, 7500) // incompressible
		_, _ = rand.Read(padding)
		rec.Value = fmt.Appendf(nil, `{"task_id":"task-%d","padding":%q}`, i, base64.StdEncoding.EncodeToString(padding))
		backlog = append(backlog, rec)
	}
	for some := range slices.Chunk(backlog, 20) {
		r.publish(some...)
	}
	r.clientQuota("consumer_byte_rate", 200_000)
	time.Sleep(time.Second) // brokers learn of quotas a little later
	s := r.start().ready()
	s.waitForLog("a Kafka quota for this client or user")
	for end := time.Now().Add(90 * time.Second); r.collector.count() < n && time.Now().Before(end); time.Sleep(500 * time.Millisecond) {
		if status, body := s.get("/readyz"); status != 200 {
			t.Fatalf("/readyz: %d %s", status, body)
		}
	}
	if errors := s.scrape().gauge(t, "fetch_errors_total"); errors != 0 {
		t.Errorf("%v fetches failed", errors)
	}
	r.finishWithoutRepeats(60 * time.Second)
	if n := len(s.assignments()); n != 1 {
		t.Errorf("%d generations began", n)
	}
	if n := strings.Count(s.out.String(), "a Kafka quota for this client or user"); n != 1 {
		t.Errorf("the quota is logged %d times, want once", n)
	}
}

func TestConnectionsToABrokerAreFewHoweverManyPartitions(t *testing.T) {
	c, o := ownCluster(t, testkafka.Config{}, options{partitions: 64, sim: mpcsim.Config{ProcessingFor: time.Hour, Faults: mpcsim.Faults{Latency: 10 * time.Millisecond}}})
	r := newRig(t, o)
	s := r.start("MPC_REQUESTS_PER_MINUTE", "unlimited").ready()
	mostOpen := func() (most int) {
		open, err := testkafka.Connections(s.cmd.Process.Pid, c.Addrs())
		must(t, err)
		for _, n := range open {
			most = max(most, n)
		}
		return most
	}
	watch := func(when string, allowed int) {
		for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
			if n := mostOpen(); n > allowed {
				t.Fatalf("%s: %d connections to a broker, want at most %d", when, n, allowed)
			}
		}
	}
	watch("idle", 8)
	idle := mostOpen()
	r.load("task", 10_000)
	// A write that takes longer than a second lets one more be opened. That rule has tests
	// of its own; on a busy machine a real broker makes such writes now and then.
	watch("busy", 16)
	r.waitForAnswers(10_000, 60*time.Second)
	waitFor(t, 60*time.Second, "as few connections as before", func() (bool, string) {
		n := mostOpen()
		return n <= idle, fmt.Sprint(n)
	})
	r.finishWithoutRepeats(60 * time.Second)
}

// onBroker creates a topic with one partition for each element of brokers. Its
// only replica is on that broker; brokers are numbered from 0.
func (r *rig) onBroker(topic string, brokers []int) {
	r.t.Helper()
	req := kmsg.NewCreateTopicsRequest()
	rt := kmsg.NewCreateTopicsRequestTopic()
	rt.Topic, rt.NumPartitions, rt.ReplicationFactor = topic, -1, -1
	for p, broker := range brokers {
		a := kmsg.NewCreateTopicsRequestTopicReplicaAssignment()
		a.Partition, a.Replicas = int32(p), []int32{int32(broker + 1)}
		rt.ReplicaAssignment = append(rt.ReplicaAssignment, a)
	}
	config := kmsg.NewCreateTopicsRequestTopicConfig()
	config.Name, config.Value = "min.insync.replicas", kadm.StringPtr("1")
	rt.Configs = append(rt.Configs, config)
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(r.ctx, r.client)
	must(r.t, err)
	must(r.t, kerr.ErrorForCode(res.Topics[0].ErrorCode))
}

// A task is not called while its outcome could not be written, and does not hold
// up the others.
func TestAnOutcomePartitionWithoutALeaderHoldsUpItsOwnTasksAlone(t *testing.T) {
	// The topic of the committed offsets has one replica, on the coordinator: commits do not
	// need the broker that dies.
	c, o := ownCluster(t, testkafka.Config{Brokers: 3, Properties: map[string]string{"offsets.topic.replication.factor": "1", "offsets.topic.num.partitions": "1"}}, options{noTopics: true, sim: mpcsim.Config{ProcessingFor: time.Hour, Faults: mpcsim.Faults{Latency: 20 * time.Millisecond}}})
	r := newRig(t, o)
	r.create(8, r.failed, r.retryFailed, r.deadLetter)
	// The broker that dies is not the coordinator: that would cause a rebalance, after which
	// the service must read all outcome partitions.
	var coordinator int
	waitFor(t, 30*time.Second, "a coordinator", func() (bool, string) {
		answer := r.admin.FindGroupCoordinators(r.ctx, r.group)[r.group]
		coordinator = int(answer.NodeID) - 1
		return answer.Err == nil, fmt.Sprint(answer.Err)
	})
	alone, other := (coordinator+1)%3, coordinator
	r.onBroker(r.retried, []int{other, other, other, other, other, alone, other, other})
	r.start("MPC_MAX_IN_FLIGHT", "16", "MPC_REQUESTS_PER_MINUTE", "unlimited").ready()
	r.load("before", 100)
	r.waitForAnswers(100, 30*time.Second)

	must(t, c.Kill(alone))
	defer func() { must(t, c.Restart(context.Background(), alone)) }()
	calls := r.mpc.Counters().Retries
	events := r.load("task", 2000)
	stuck := 0
	for _, rec := range events {
		if murmurPartition(rec.Key, 8) == 5 {
			stuck++
		}
	}
	r.waitForAnswers(100+len(events)-stuck, 90*time.Second)
	time.Sleep(3 * time.Second)
	if n := r.mpc.Counters().Retries - calls - (len(events) - stuck); n > 2*16 {
		t.Errorf("%d tasks were called, of %d whose outcome cannot be written", n, stuck)
	}
}

// murmurPartition returns the partition that Kafka's Java producer chooses.
func murmurPartition(key []byte, partitions int) int {
	p := kgo.StickyKeyPartitioner(nil).ForTopic("")
	return p.Partition(&kgo.Record{Key: key}, partitions)
}
