package main

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"remux-retrier/events"
)

// The loops must publish as much as the service, or the comparison would be unfair.
func TestLoopsPublishAsMuchAsTheService(t *testing.T) {
	now := time.Now()
	e := kafka.Message{Topic: "bench-1795420800-17", Partition: 3, Offset: 104_200, Time: now}
	e.Value = event(e.Topic, 1).Value
	var failure struct {
		TaskID      string `json:"task_id"`
		ErrorCode   string `json:"error_code"`
		Description string `json:"description"`
	}
	if err := json.Unmarshal(e.Value, &failure); err != nil {
		t.Fatal(err)
	}
	retries := 1
	services, err := events.Outcome{
		Reason: events.Accepted, Retries: &retries, Attempts: 1, Origin: events.OriginOf(e.Topic), DecidedAt: now,
		Source:  events.Source{Topic: e.Topic, Partition: e.Partition, Offset: e.Offset, Time: now},
		Failure: events.Failure{TaskID: failure.TaskID, ErrorCode: failure.ErrorCode, Description: failure.Description},
		Covers:  []events.Cover{{Partition: e.Partition, End: e.Offset + 1, LogID: now.UnixMilli()}},
	}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	loops := outcome(e, failure.TaskID, failure.ErrorCode, failure.Description)
	size := len(services.Value)
	for _, h := range services.Headers {
		size += len(h.Key) + len(h.Value)
	}
	got := len(loops.Value)
	for _, h := range loops.Headers {
		got += len(h.Key) + len(h.Value)
	}
	if !bytes.Equal(services.Key, loops.Key) || math.Abs(float64(got-size)) > 0.15*float64(size) {
		t.Errorf("the loops' outcome has %d bytes and key %q, the service's %d and %q", got, loops.Key, size, services.Key)
	}
}

func TestAFifthWorseIsSeenAndNoiseIsNot(t *testing.T) {
	speed, cost := limit{aim: 1, recorded: 1, higherIsBetter: true}, limit{aim: 1.25, recorded: 1.25}
	behind := limit{aim: 1.25, recorded: 2}
	memory := limit{aim: 64, recorded: 50, tolerance: toleranceForMemory, serviceOnly: true}
	for name, c := range map[string]struct {
		limit limit
		got   float64
		want  verdict
	}{
		"throughput, a fifth less":           {speed, 0.8, worse},
		"throughput, noise":                  {speed, 0.9, missed},
		"throughput, as recorded":            {speed, 1, fine},
		"throughput, better":                 {speed, 1.3, improved},
		"CPU, a fifth more":                  {cost, 1.25 * 1.2, worse},
		"CPU, noise":                         {cost, 1.25 * 1.1, missed},
		"CPU, better":                        {cost, 1, improved},
		"an aim that was never reached":      {behind, 2.1, missed},
		"the same, a fifth more":             {behind, 2.4, worse},
		"memory, a fifth more":               {memory, 60, worse},
		"memory, below what decisions take":  {memory, -3, improved},
		"nothing recorded, the aim missed":   {limit{aim: 8}, 120, missed},
		"neither aim nor record":             {limit{}, 120, fine},
		"not measured":                       {speed, 0, fine},
		"one start on a busy machine, +60 %": {limit{aim: 8, recorded: 7, tolerance: toleranceForStart}, 11, missed},
	} {
		if got := c.limit.judge(c.got); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// If other processes use the cores, a throughput means nothing. Allocations still count.
func TestABusyMachineIsNoRegression(t *testing.T) {
	const name = "100 in flight, 10ms, 8 partitions"
	for busy, want := range map[float64]map[string]verdict{
		5:   {perSecond: worse, cpuPerEvent: worse, objects: worse},
		50:  {perSecond: noisy, cpuPerEvent: worse, objects: worse},
		150: {perSecond: noisy, cpuPerEvent: noisy, objects: worse},
	} {
		b := &bench{}
		b.done.add(name, service, figures{perSecond: 1, cpuPerEvent: 1e6, objects: 1e6, others: 5})
		b.done.add(name, kafkaGo, figures{perSecond: 1e3, cpuPerEvent: 1, objects: 1, others: busy})
		for metric, v := range want {
			if got := b.verdict(row{name, metric}); got != v {
				t.Errorf("others use %v %% of a core: %s is %q, want %q", busy, metric, got, v)
			}
		}
	}
}

func TestRatiosAreOfTheSameRound(t *testing.T) {
	var r results
	at := row{"case", perSecond}
	// The machine becomes half as fast after each round.
	for _, speed := range []float64{400, 200, 100} {
		r.add(at.name, service, figures{perSecond: speed})
		r.add(at.name, kafkaGo, figures{perSecond: speed * 2})
	}
	if got := r.over(at, service, kafkaGo); median(got) != 0.5 || spread(got) != 0 {
		t.Errorf("ratios %v, want 0.5 each", got)
	}
}

func TestProcTellsOfThisProcess(t *testing.T) {
	before, err := cpuOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); time.Since(began) < 10*time.Second; {
		if now, err := cpuOf(os.Getpid()); err != nil || now >= before+3*clockTick {
			if err != nil {
				t.Error(err)
			}
			break
		}
	}
	if now, _ := cpuOf(os.Getpid()); now < before+3*clockTick {
		t.Errorf("CPU time went from %v to %v while it was used", before, now)
	}
	if mb, err := peakOf(os.Getpid()); mb < 1 || err != nil {
		t.Errorf("peak of %v MB, %v", mb, err)
	}
}

func TestCollectionsAreAddedUpAndKeptOutOfErrors(t *testing.T) {
	c := &child{}
	c.output.WriteString("gc 1 @0.035s 2%: 0.018+1.2+0.10 ms clock, 0.036+0.5/1.5/0.2+0.21 ms cpu, 4->5->2 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P\n" +
		"a broken pipe\n" +
		"gc 2 @0.135s 2%: 0.018+1.2+0.10 ms clock, 0.036+1.0/3.0/0+0.21 ms cpu, 4->5->2 MB, 4 MB goal, 0 MB stacks, 0 MB globals, 2 P (forced)\n")
	if got := c.gcTime(); got != 6*time.Millisecond {
		t.Errorf("collections took %v, want 6ms", got)
	}
	if got := c.errorOutput(); got != "a broken pipe\n" {
		t.Errorf("output %q", got)
	}
}
