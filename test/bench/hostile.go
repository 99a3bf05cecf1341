package main

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// flood is a topic full of records that producers should not send.
type flood struct {
	about  string
	record func(topic string, i int) *kgo.Record
	calls  int                 // to MPC, for all of them
	to     func(topics) string // where they are answered
}

var floods = []flood{
	{
		about:  "events of one task",
		record: func(topic string, _ int) *kgo.Record { return event(topic, 0) },
		calls:  1,
		to:     func(t topics) string { return t.retried },
	},
	{
		about: "records of one byte",
		record: func(topic string, _ int) *kgo.Record {
			return &kgo.Record{Topic: topic, Value: []byte("x")}
		},
		to: func(t topics) string { return t.dead },
	},
}

// hostile measures the service's memory with each flood.
func (b *bench) hostile(ctx context.Context) error {
	records := 1_000_000
	if b.short {
		records = 100_000
	}
	for _, f := range floods {
		err := b.each("hostile", thousands(records)+" "+f.about, []string{service}, func(string) (figures, error) {
			return b.flood(ctx, f, records)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// flood measures from the start to the last answer.
func (b *bench) flood(ctx context.Context, f flood, records int) (figures, error) {
	ctx, cancel := context.WithTimeout(ctx, drainLimit)
	defer cancel()
	r, err := b.prepare(ctx, service, setting{latency: 10 * time.Millisecond, inFlight: 100, partitions: 8})
	if err != nil {
		return nil, err
	}
	defer r.close(ctx)
	if err := b.kafka.fill(ctx, r.t.failed, records, usualBatch, f.record); err != nil {
		return nil, err
	}
	from, err := r.usageWithout(0)
	if err != nil {
		return nil, err
	}
	if err := r.start(); err != nil {
		return nil, err
	}
	answered := 0
	err = r.await(ctx, 100*time.Millisecond, func() (bool, error) {
		var err error
		answered, err = b.kafka.ends(ctx, f.to(r.t))
		return answered >= records, err
	})
	if err != nil {
		return nil, fmt.Errorf("%d of %d were answered: %w", answered, records, err)
	}
	to, err := r.usage()
	if err != nil {
		return nil, err
	}
	if to.served != f.calls || answered != records {
		return nil, fmt.Errorf("%d %s got %d calls and %d answers", records, f.about, to.served, answered)
	}
	used := r.perEvent(from, to, records)
	used[perSecond] = float64(records) / to.at.Sub(from.at).Seconds()
	if used[peak], err = peakOf(r.c.cmd.Process.Pid); err != nil {
		return nil, err
	}
	return used, r.stop()
}
