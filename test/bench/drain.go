package main

import (
	"context"
	"fmt"
	"maps"
	"time"
)

// drainLimit bounds a run: a contestant that hangs is an error.
const drainLimit = 10 * time.Minute

// drain measures how fast a contestant works off a backlog: from the end of the first
// tenth of the calls, after its start, to the last outcome.
func (b *bench) drain(ctx context.Context, who string, s setting, events int) (figures, error) {
	ctx, cancel := context.WithTimeout(ctx, drainLimit)
	defer cancel()
	r, err := b.prepare(ctx, who, s)
	if err != nil {
		return nil, err
	}
	defer r.close(ctx)
	if err := b.kafka.fill(ctx, r.t.failed, events, usualBatch, event); err != nil {
		return nil, err
	}
	if err := r.start(); err != nil {
		return nil, err
	}
	c := r.c
	from, err := r.awaitCalls(ctx, events/10)
	if err != nil {
		return nil, err
	}
	c.toggleProfile()
	to, err := r.awaitOutcomes(ctx, events)
	if err != nil {
		return nil, err
	}
	c.toggleProfile()
	f := r.perEvent(from, to, events-from.served)
	f[perSecond] = float64(events-from.served) / to.at.Sub(from.at).Seconds()
	if f[peak], err = peakOf(c.cmd.Process.Pid); err != nil {
		return nil, err
	}
	all := to.cpu
	if err := r.stop(); err != nil {
		return nil, err
	}
	f[collection] = c.gcTime().Seconds() / all.Seconds() * 100
	return f, nil
}

// awaitCalls waits until the API has served this number of calls.
func (r *run) awaitCalls(ctx context.Context, calls int) (usage, error) {
	err := r.await(ctx, time.Millisecond, func() (bool, error) { return int(r.api.served.Load()) >= calls, nil })
	if err != nil {
		return usage{}, fmt.Errorf("%d of %d calls arrived: %w", r.api.served.Load(), calls, err)
	}
	return r.usage()
}

// awaitOutcomes waits for the outcomes of all events. It asks the broker only after all
// calls have arrived, because the broker's CPU time is measured too.
func (r *run) awaitOutcomes(ctx context.Context, events int) (usage, error) {
	if err := r.await(ctx, time.Millisecond, func() (bool, error) { return int(r.api.served.Load()) >= events, nil }); err != nil {
		return usage{}, fmt.Errorf("%d of %d calls arrived: %w", r.api.served.Load(), events, err)
	}
	outcomes := 0
	err := r.await(ctx, 5*time.Millisecond, func() (bool, error) {
		var err error
		outcomes, err = r.bench.kafka.ends(ctx, r.t.retried)
		return outcomes >= events, err
	})
	if err != nil {
		return usage{}, fmt.Errorf("%d of %d events were answered: %w", outcomes, events, err)
	}
	// Without a crash, a contestant that calls or answers twice is broken.
	if served := int(r.api.served.Load()); served != events || outcomes != events {
		return usage{}, fmt.Errorf("%d events got %d calls and %d outcomes", events, served, outcomes)
	}
	return r.usage()
}

// growth drains a large backlog and returns the figures for each power of ten of events.
// Then it starts the service again and measures how long reading its decisions back takes.
func (b *bench) growth(ctx context.Context, s setting, powers []int) (each []figures, end, again figures, err error) {
	ctx, cancel := context.WithTimeout(ctx, drainLimit)
	defer cancel()
	r, err := b.prepare(ctx, service, s)
	if err != nil {
		return nil, nil, nil, err
	}
	defer r.close(ctx)
	events := powers[len(powers)-1]
	if err := b.kafka.fill(ctx, r.t.failed, events, usualBatch, event); err != nil {
		return nil, nil, nil, err
	}
	if err := r.start(); err != nil {
		return nil, nil, nil, err
	}
	from, err := r.awaitCalls(ctx, powers[0])
	if err != nil {
		return nil, nil, nil, err
	}
	r.c.toggleProfile()
	for _, calls := range powers[1:] {
		to, err := r.awaitCalls(ctx, calls)
		if err != nil {
			return nil, nil, nil, err
		}
		n := to.served - from.served
		f := r.perEvent(from, to, n)
		f[perSecond] = float64(n) / to.at.Sub(from.at).Seconds()
		each = append(each, f)
		from = to
	}
	if _, err := r.awaitOutcomes(ctx, events); err != nil {
		return nil, nil, nil, err
	}
	r.c.toggleProfile()
	if end, err = r.memory(events); err != nil {
		return nil, nil, nil, err
	}
	if err := r.stop(); err != nil {
		return nil, nil, nil, err
	}
	again, err = r.startAgain(ctx, events)
	return each, end, again, err
}

// startAgain measures a start at which this number of outcomes is read back.
func (r *run) startAgain(ctx context.Context, outcomes int) (figures, error) {
	from, err := r.usageWithout(0)
	if err != nil {
		return nil, err
	}
	if err := r.start(); err != nil {
		return nil, err
	}
	if err := r.await(ctx, 5*time.Millisecond, func() (bool, error) { return r.c.ready(), nil }); err != nil {
		return nil, fmt.Errorf("waiting for /readyz: %w", err)
	}
	took := time.Since(from.at)
	to, err := r.usage()
	if err != nil {
		return nil, err
	}
	f, err := r.memory(outcomes)
	if err != nil {
		return nil, err
	}
	f[startTime] = took.Seconds()
	f[startCPU] = to.cpu.Seconds() * 1e6 / float64(outcomes)
	maps.Copy(f, r.othersShare(from, to))
	return f, r.stop()
}

// memory returns the peak so far, and the peak minus what the decisions may use.
func (r *run) memory(decisions int) (figures, error) {
	mb, err := peakOf(r.c.cmd.Process.Pid)
	return figures{peak: mb, peakBare: mb - decisionBytes*float64(decisions)/1e6}, err
}
