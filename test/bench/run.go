package main

import (
	"context"
	"fmt"
	"maps"
	"time"
)

// Names of the metrics, as printed.
const (
	perSecond   = "events a second"
	cpuPerEvent = "CPU an event, µs"
	objects     = "objects allocated an event"
	allocated   = "bytes allocated an event"
	collection  = "GC, % of its CPU"
	peak        = "peak memory, MB"
	peakBare    = "peak memory without decisions, MB"
	broker      = "the broker's CPU an event, µs"
	answerTime  = "answer time, median, ms"
	answerTail  = "answer time, 99th percentile, ms"
	coreShare   = "CPU, % of a core"
	brokerShare = "the broker's CPU, % of a core"
	connections = "connections to the broker"
	startTime   = "start to ready, s"
	startCPU    = "CPU an outcome read back, µs"
	others      = "others' CPU, % of a core"
)

// decisionBytes is how much memory the service may use for each decision in the window.
const decisionBytes = 250

// figures of one run by metric.
type figures map[string]float64

// bench runs the whole comparison.
type bench struct {
	options
	kafka   *cluster
	binary  string
	who     []string
	round   int
	running string // "scenario: case"
	done    results
}

// run is one contestant with its own topics.
type run struct {
	bench *bench
	who   string
	s     setting
	t     topics
	api   *api
	c     *child
}

// prepare creates a run's topics and starts its API.
func (b *bench) prepare(ctx context.Context, who string, s setting) (*run, error) {
	t, err := b.kafka.newTopics(ctx, s.partitions)
	if err != nil {
		return nil, err
	}
	api, err := newAPI(s.latency)
	if err != nil {
		return nil, err
	}
	return &run{bench: b, who: who, s: s, t: t, api: api}, nil
}

// start starts the contestant. It may be called again after stop.
func (r *run) start() (err error) {
	r.c, err = r.bench.start(r.who, r.s, r.t, r.api)
	return err
}

// stop stops the contestant with SIGTERM.
func (r *run) stop() error {
	c := r.c
	r.c = nil
	return c.stop()
}

// close stops the contestant and the API, and deletes the topics.
func (r *run) close(ctx context.Context) {
	if r.c != nil {
		_ = r.stop() // another error is being returned
	}
	r.api.Close()
	r.bench.kafka.deleteTopics(context.WithoutCancel(ctx), r.t)
}

// await polls done until it returns true or an error.
func (r *run) await(ctx context.Context, every time.Duration, done func() (bool, error)) error {
	for {
		if ok, err := done(); ok || err != nil {
			return err
		}
		if err := r.pause(ctx, every); err != nil {
			return err
		}
	}
}

// pause waits. It returns an error if the contestant ends meanwhile.
func (r *run) pause(ctx context.Context, length time.Duration) error {
	select {
	case <-r.c.ended:
		return r.c.alive()
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(length):
		return nil
	}
}

// usage is what has been used up to a point in time.
type usage struct {
	at             time.Time
	served         int
	cpu, broker    time.Duration
	others         time.Duration // CPU time of processes that are not part of the run
	objects, bytes float64
}

func (r *run) usage() (usage, error) {
	objects, bytes, err := r.c.allocations()
	if err != nil {
		return usage{}, fmt.Errorf("read its metrics: %w", err)
	}
	cpu, err := cpuOf(r.c.cmd.Process.Pid)
	if err != nil {
		return usage{}, err
	}
	u, err := r.usageWithout(cpu)
	u.objects, u.bytes = objects, bytes
	return u, err
}

// usageWithout returns the usage without allocations, for a contestant that has used
// this CPU time.
func (r *run) usageWithout(cpu time.Duration) (usage, error) {
	ours, err := cpuOf(r.bench.kafka.pids...)
	if err != nil {
		return usage{}, err
	}
	all, err := cpuOfAll()
	return usage{
		at: time.Now(), served: int(r.api.served.Load()),
		cpu: cpu, broker: ours, others: all - cpu - ours - cpuTime(),
	}, err
}

// othersShare returns how much of a core other processes used between two points in time.
// It is not known if the brokers are not ours.
func (r *run) othersShare(from, to usage) figures {
	if len(r.bench.kafka.pids) == 0 {
		return nil
	}
	return figures{others: max(0, (to.others-from.others).Seconds()) / to.at.Sub(from.at).Seconds() * 100}
}

// perEvent returns what the contestant used for each event between two points in time.
func (r *run) perEvent(from, to usage, events int) figures {
	n := float64(events)
	f := figures{
		cpuPerEvent: (to.cpu - from.cpu).Seconds() * 1e6 / n,
		objects:     (to.objects - from.objects) / n,
		allocated:   (to.bytes - from.bytes) / n,
	}
	if len(r.bench.kafka.pids) > 0 {
		f[broker] = (to.broker - from.broker).Seconds() * 1e6 / n
	}
	maps.Copy(f, r.othersShare(from, to))
	return f
}

// shares returns how much of a core the contestant used between two points in time.
func (r *run) shares(from, to usage) figures {
	took := to.at.Sub(from.at).Seconds()
	f := figures{coreShare: (to.cpu - from.cpu).Seconds() / took * 100}
	if len(r.bench.kafka.pids) > 0 {
		f[brokerShare] = (to.broker - from.broker).Seconds() / took * 100
	}
	maps.Copy(f, r.othersShare(from, to))
	return f
}
