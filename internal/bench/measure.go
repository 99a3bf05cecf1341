package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

const partitions = 8

// steadyEvery is 200 events a second.
const steadyEvery = 5 * time.Millisecond

// topics of one run; a run has its own, so that it sees nothing of the others.
type topics struct{ failed, retried, retryFailed, dead string }

// cluster is the brokers, seen from outside by a client of another make.
type cluster struct {
	brokers string
	client  *kgo.Client
	admin   *kadm.Client
	runs    int
}

func newKafka(addrs []string) (*cluster, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(addrs...))
	if err != nil {
		return nil, err
	}
	return &cluster{brokers: strings.Join(addrs, ","), client: client, admin: kadm.NewClient(client)}, nil
}

func (k *cluster) Close() { k.client.Close() }

func (k *cluster) newTopics(ctx context.Context) (topics, error) {
	k.runs++
	prefix := "bench-" + strconv.Itoa(k.runs)
	t := topics{prefix, prefix + ".retried", prefix + ".retry_failed", prefix + ".dlq"}
	names := []string{t.failed, t.retried, t.retryFailed, t.dead}
	if _, err := k.admin.CreateTopics(ctx, partitions, 1, nil, names...); err != nil {
		return t, err
	}
	// A new topic has no leaders for a moment: not what is to be measured.
	for {
		offsets, err := k.admin.ListEndOffsets(ctx, names...)
		if err == nil && offsets.Error() == nil {
			return t, nil
		}
		if ctx.Err() != nil {
			return t, ctx.Err()
		}
	}
}

func event(topic string, i int) *kgo.Record {
	id := strconv.Itoa(538_000_000 + i)
	return &kgo.Record{Topic: topic, Key: []byte(id), Value: fmt.Appendf(nil,
		`{"task_id":%q,"error_code":"MPC.10105","description":"the packaging task timed out, please retry","created":"2026-11-23T08:00:00Z"}`, id)}
}

// ends is how many records a topic has.
func (k *cluster) ends(ctx context.Context, topic string) (int, error) {
	offsets, err := k.admin.ListEndOffsets(ctx, topic)
	if err != nil {
		return 0, err
	}
	n := 0
	offsets.Each(func(o kadm.ListedOffset) { n += int(o.Offset) })
	return n, offsets.Error()
}

// figures of one run.
type figures struct{ perSecond, cpuPerThousand, medianMS float64 }

// drainBacklog measures how fast a contestant works off a backlog. The clock
// runs from the first tenth of the answers to the last, past the start.
func (k *cluster) drainBacklog(ctx context.Context, who, binary string, s setting, events int) (figures, error) {
	t, err := k.newTopics(ctx)
	if err != nil {
		return figures{}, err
	}
	records := make([]*kgo.Record, events)
	for i := range records {
		records[i] = event(t.failed, i)
	}
	if err := k.client.ProduceSync(ctx, records...).FirstErr(); err != nil {
		return figures{}, err
	}
	url, stopAPI, err := api(s.latency)
	if err != nil {
		return figures{}, err
	}
	defer stopAPI()
	c, err := start(who, binary, s, t, k.brokers, url)
	if err != nil {
		return figures{}, err
	}
	var begin time.Time
	var first, answered int
	deadline := time.Now().Add(2 * time.Minute)
	for answered < events {
		select {
		case <-c.ended:
			return figures{}, fmt.Errorf("%w\n%s", errStopped, c.output.String())
		case <-ctx.Done():
			_, _ = c.stop()
			return figures{}, ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			_, _ = c.stop()
			return figures{}, fmt.Errorf("%d of %d events answered in two minutes\n%s", answered, events, c.output.String())
		}
		if answered, err = k.ends(ctx, t.retried); err != nil {
			return figures{}, err
		}
		if begin.IsZero() && answered >= events/10 {
			begin, first = time.Now(), answered
		}
	}
	took := time.Since(begin)
	cpu, err := c.stop()
	if err != nil {
		return figures{}, err
	}
	return figures{
		perSecond:      float64(events-first) / took.Seconds(),
		cpuPerThousand: cpu.Seconds() * 1e6 / float64(events),
	}, nil
}

// steady measures how long an answer takes at 200 events a second, from the
// event's creation to its outcome's arrival at a subscriber.
func (k *cluster) steady(ctx context.Context, who, binary string, s setting, length time.Duration) (figures, error) {
	t, err := k.newTopics(ctx)
	if err != nil {
		return figures{}, err
	}
	url, stopAPI, err := api(s.latency)
	if err != nil {
		return figures{}, err
	}
	defer stopAPI()
	c, err := start(who, binary, s, t, k.brokers, url)
	if err != nil {
		return figures{}, err
	}
	subscriber, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(k.brokers, ",")...), kgo.ConsumeTopics(t.retried),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return figures{}, err
	}
	defer subscriber.Close()

	events := int(length / steadyEvery)
	var sent sync.Map // task id → when
	send := func(i int) {
		r := event(t.failed, i)
		sent.Store(string(r.Key), time.Now())
		k.client.Produce(ctx, r, nil)
	}
	ctx, cancel := context.WithTimeout(ctx, length+time.Minute)
	defer cancel()
	var took []float64
	receive := func(n int) error {
		for len(took) < n {
			fetches := subscriber.PollFetches(ctx)
			now := time.Now()
			if ctx.Err() != nil {
				_, _ = c.stop()
				return fmt.Errorf("%d of %d events answered\n%s", len(took), n, c.output.String())
			}
			fetches.EachRecord(func(r *kgo.Record) {
				at, _ := sent.Load(string(r.Key))
				took = append(took, now.Sub(at.(time.Time)).Seconds()*1e3)
			})
		}
		return nil
	}
	send(0) // once it is answered, the member has joined and is warm
	if err := receive(1); err != nil {
		return figures{}, err
	}
	go func() {
		tick := time.NewTicker(steadyEvery)
		defer tick.Stop()
		for i := range events {
			<-tick.C
			send(i + 1)
		}
	}()
	if err := receive(1 + events); err != nil {
		return figures{}, err
	}
	cpu, err := c.stop()
	if err != nil {
		return figures{}, err
	}
	return figures{medianMS: median(took[1:]), cpuPerThousand: cpu.Seconds() * 1e6 / float64(events)}, nil
}
