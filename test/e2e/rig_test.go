//go:build kafka

package e2e

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"remux-retrier/internal/mpcsim"
)

const (
	project = "p-e2e"
	token   = canary + "-token"
)

var (
	rigs            atomic.Int64
	notAlphanumeric = regexp.MustCompile(`[^A-Za-z0-9]+`)
)

// rig is what one scenario works with: its own topics and group on a broker, an MPC
// simulator, a producer, the service's processes, and a collector of their answers.
type rig struct {
	t       *testing.T
	ctx     context.Context
	brokers []string
	admin   *kadm.Client
	client  *kgo.Client // the producer
	mpc     *mpcsim.Server

	group, failed, retried, retryFailed, deadLetter string

	collector *collector
	services  []*service
	program   string // path of the binary that start runs

	mu           sync.Mutex
	published    map[location]*kgo.Record
	unanswerable map[location]bool // published, and to be ignored by the service
}

// location identifies a failure event. The timestamp distinguishes events of a
// topic from those of the topic it was recreated from.
type location struct {
	partition int32
	offset    int64
	millis    int64
}

func locationOf(r *kgo.Record) location {
	return location{r.Partition, r.Offset, r.Timestamp.UnixMilli()}
}

// options of a rig; the comments give the defaults.
type options struct {
	partitions int32         // of each topic; 4
	sim        mpcsim.Config // newRig adds project and token, and keeps the requests
	brokers    []string      // the shared broker
	admin      *kadm.Client  // for these brokers
	noTopics   bool
	timeout    time.Duration // of the rig's context; 5 minutes
}

// newRig makes a rig that ends with the test.
func newRig(t *testing.T, o options) *rig {
	t.Helper()
	if o.timeout == 0 {
		o.timeout = 5 * time.Minute
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.timeout)
	t.Cleanup(cancel)
	if o.partitions == 0 {
		o.partitions = 4
	}
	if o.brokers == nil {
		o.brokers, o.admin = shared.Addrs(), admin
	}
	o.sim.ProjectID, o.sim.KeepRequests = project, true
	if len(o.sim.Tokens) == 0 {
		o.sim.Tokens = []mpcsim.Secret{token}
	}
	mpc, err := mpcsim.Start(o.sim)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(mpc.Close)
	name := fmt.Sprintf("%s-%d-%d", notAlphanumeric.ReplaceAllString(t.Name(), "-"), rigs.Add(1), time.Now().UnixMilli())
	r := &rig{
		t: t, ctx: ctx, brokers: o.brokers, admin: o.admin, mpc: mpc, program: binary,
		group: name, failed: name + ".failed", retried: name + ".retried",
		retryFailed: name + ".retry_failed", deadLetter: name + ".failed.dlq",
		published: map[location]*kgo.Record{}, unanswerable: map[location]bool{},
	}
	if !o.noTopics {
		r.create(o.partitions, r.failed, r.retried, r.retryFailed, r.deadLetter)
	}
	r.client = r.newClient(kgo.ProducerLinger(0))
	r.collector = collect(r)
	return r
}

func (r *rig) newClient(opts ...kgo.Opt) *kgo.Client {
	r.t.Helper()
	client, err := kgo.NewClient(append([]kgo.Opt{
		kgo.SeedBrokers(r.brokers...), kgo.MetadataMinAge(200 * time.Millisecond), kgo.MetadataMaxAge(time.Second),
		kgo.UnknownTopicRetries(-1), kgo.ProducerBatchMaxBytes(2 << 20),
	}, opts...)...)
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(client.Close)
	return client
}

// create makes topics and waits until their partitions have leaders.
func (r *rig) create(partitions int32, topics ...string) {
	r.t.Helper()
	for _, topic := range topics {
		// A topic of this name may still be being deleted.
		waitFor(r.t, 20*time.Second, "topic "+topic, func() (bool, string) {
			_, err := r.admin.CreateTopic(r.ctx, partitions, -1, nil, topic)
			return err == nil, fmt.Sprint(err)
		})
	}
	waitFor(r.t, 20*time.Second, "the topics' leaders", func() (bool, string) {
		ends, err := r.admin.ListEndOffsets(r.ctx, topics...)
		if err == nil {
			err = ends.Error()
		}
		return err == nil, fmt.Sprint(err)
	})
}

// limit sets a topic's max.message.bytes.
func (r *rig) limit(topic string, bytes int) { r.set(topic, "max.message.bytes", fmt.Sprint(bytes)) }

// set changes a topic's setting.
func (r *rig) set(topic, name, value string) {
	r.t.Helper()
	answers, err := r.admin.AlterTopicConfigs(r.ctx, []kadm.AlterConfig{{Name: name, Value: &value}}, topic)
	if err == nil {
		_, err = answers.On(topic, func(a *kadm.AlterConfigsResponse) error { return a.Err })
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// env returns the environment of a service in this rig. pairs are further names and
// values, which replace the defaults; the value "-" removes a variable.
func (r *rig) env(pairs ...string) map[string]string {
	env := map[string]string{
		"KAFKA_BROKERS":            strings.Join(r.brokers, ","),
		"KAFKA_GROUP_ID":           r.group,
		"KAFKA_TOPIC_FAILED":       r.failed,
		"KAFKA_TOPIC_RETRIED":      r.retried,
		"KAFKA_TOPIC_RETRY_FAILED": r.retryFailed,
		"KAFKA_TOPIC_DEAD_LETTER":  r.deadLetter,
		"KAFKA_SESSION_TIMEOUT":    "6s",
		"MPC_ENDPOINT":             r.mpc.URL(),
		"MPC_PROJECT_ID":           project,
		"MPC_AUTH_TOKEN":           token,
		"MPC_REQUESTS_PER_MINUTE":  "unlimited",
		"MPC_TIMEOUT":              "3s",
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		env[pairs[i]] = pairs[i+1]
	}
	maps.DeleteFunc(env, func(_, v string) bool { return v == "-" })
	return env
}

// start starts an instance of the service.
func (r *rig) start(pairs ...string) *service {
	r.t.Helper()
	name := fmt.Sprintf("instance %d", len(r.services)+1)
	s := launchProgram(r.t, r.program, name, r.env(append([]string{"KAFKA_CLIENT_ID", fmt.Sprintf("e2e-%d", len(r.services)+1)}, pairs...)...))
	r.services = append(r.services, s)
	return s
}

// publish writes failure events and returns the records with their offsets.
func (r *rig) publish(records ...*kgo.Record) []*kgo.Record {
	r.t.Helper()
	return r.publishWith(r.client, records...)
}

func (r *rig) publishWith(client *kgo.Client, records ...*kgo.Record) []*kgo.Record {
	r.t.Helper()
	for _, rec := range records {
		if rec.Topic == "" {
			rec.Topic = r.failed
		}
	}
	results := client.ProduceSync(r.ctx, records...)
	if err := results.FirstErr(); err != nil {
		r.t.Fatalf("publish failure events: %v", err)
	}
	r.addPublished(records...)
	return records
}

// addPublished adds events that are in the log: each must be answered.
func (r *rig) addPublished(records ...*kgo.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range records {
		r.published[locationOf(rec)] = rec
	}
}

// expectNoAnswer marks published events that the service must ignore.
func (r *rig) expectNoAnswer(records ...*kgo.Record) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, rec := range records {
		r.unanswerable[locationOf(rec)] = true
	}
}

// load publishes one plain event for each of n tasks, keyed by the task.
func (r *rig) load(prefix string, n int) []*kgo.Record {
	r.t.Helper()
	records := make([]*kgo.Record, n)
	for i := range records {
		records[i] = event(fmt.Sprintf("%s-%d", prefix, i))
	}
	return r.publish(records...)
}

// event returns the plainest failure event, with a task_id alone.
func event(task string) *kgo.Record {
	return &kgo.Record{Key: []byte(task), Value: fmt.Appendf(nil, `{"task_id":%q}`, task)}
}

// committed returns the group's offset of each partition of the failed topic, −1 if
// it has none.
func (r *rig) committed() (map[int32]int64, error) {
	answers, err := r.admin.FetchOffsetsForTopics(r.ctx, r.group, r.failed)
	if err != nil {
		return nil, err
	}
	at := map[int32]int64{}
	answers.Each(func(o kadm.OffsetResponse) { at[o.Partition] = o.At })
	return at, nil
}

// ends returns the end offset of each partition of a topic; empty if the topic does
// not exist.
func (r *rig) ends(topic string) (map[int32]int64, error) {
	offsets, err := r.admin.ListEndOffsets(r.ctx, topic)
	if err == nil {
		err = offsets.Error()
	}
	if err != nil {
		if errors.Is(err, kerr.UnknownTopicOrPartition) {
			return map[int32]int64{}, nil
		}
		return nil, err
	}
	at := map[int32]int64{}
	offsets.Each(func(o kadm.ListedOffset) { at[o.Partition] = o.Offset })
	return at, nil
}
