package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// steadyEvery is 200 events a second.
const steadyEvery = 5 * time.Millisecond

// steady measures how long an answer takes at 200 events a second, from the
// event's creation to its outcome's arrival at a subscriber. Meanwhile this number of
// readers requests tasks' stories without pause.
func (b *bench) steady(ctx context.Context, who string, s setting, length time.Duration, readers int) (figures, error) {
	ctx, cancel := context.WithTimeout(ctx, length+time.Minute)
	defer cancel()
	r, err := b.prepare(ctx, who, s)
	if err != nil {
		return nil, err
	}
	defer r.close(ctx)
	if err := r.start(); err != nil {
		return nil, err
	}
	subscriber, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(b.kafka.brokers, ",")...), kgo.ConsumeTopics(r.t.retried),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		return nil, err
	}
	defer subscriber.Close()

	events := int(length / steadyEvery)
	var sent sync.Map // task id → when
	send := func(i int) {
		e := event(r.t.failed, i)
		sent.Store(string(e.Key), time.Now())
		b.kafka.client.Produce(ctx, e, nil)
	}
	var took []float64
	receive := func(n int) error {
		for len(took) < n {
			fetches := subscriber.PollFetches(ctx)
			now := time.Now()
			if ctx.Err() != nil {
				return fmt.Errorf("%d of %d events were answered: %w", len(took), n, ctx.Err())
			}
			if err := r.c.alive(); err != nil {
				return err
			}
			fetches.EachRecord(func(o *kgo.Record) {
				if at, known := sent.Load(string(o.Key)); known {
					took = append(took, now.Sub(at.(time.Time)).Seconds()*1e3)
				}
			})
		}
		return nil
	}
	// After the answer to the first event, the member has joined the group. The next
	// second is a warm-up and not counted.
	const warm = 200
	phase := func(from, to int) error {
		go func() {
			tick := time.NewTicker(steadyEvery)
			defer tick.Stop()
			for i := from; i < to; i++ {
				<-tick.C
				send(i)
			}
		}()
		return receive(to)
	}
	send(0)
	if err := receive(1); err != nil {
		return nil, err
	}
	stopReaders := r.c.read(readers)
	defer stopReaders()
	if err := phase(1, warm); err != nil {
		return nil, err
	}
	from, err := r.usage()
	if err != nil {
		return nil, err
	}
	r.c.toggleProfile()
	if err := phase(warm, warm+events); err != nil {
		return nil, err
	}
	to, err := r.usage()
	if err != nil {
		return nil, err
	}
	stopReaders()
	r.c.toggleProfile()
	f := r.perEvent(from, to, events)
	slices.Sort(took[warm:])
	f[answerTime] = took[warm+events/2]
	f[answerTail] = took[warm+events*99/100]
	return f, r.stop()
}
