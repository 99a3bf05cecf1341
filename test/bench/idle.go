package main

import (
	"context"
	"strings"
	"time"

	"remux-retrier/internal/testkafka"
)

// idle measures a contestant without events.
func (b *bench) idle(ctx context.Context, who string, s setting, settle, length time.Duration) (figures, error) {
	r, err := b.prepare(ctx, who, s)
	if err != nil {
		return nil, err
	}
	defer r.close(ctx)
	if err := r.start(); err != nil {
		return nil, err
	}
	f, err := r.measureShares(ctx, settle, length)
	if err != nil {
		return nil, err
	}
	open, err := testkafka.Connections(r.c.cmd.Process.Pid, strings.Split(b.kafka.brokers, ","))
	if err != nil {
		return nil, err
	}
	f[connections] = 0
	for _, n := range open {
		f[connections] += float64(n)
	}
	return f, r.stop()
}

// backlog measures a contestant with more events than it can finish. It reads the failed
// topic of filled, as other runs do.
func (b *bench) backlog(ctx context.Context, who string, s setting, filled topics, settle, length time.Duration) (figures, error) {
	r, err := b.prepare(ctx, who, s)
	if err != nil {
		return nil, err
	}
	defer r.close(ctx)
	own := r.t
	r.t.failed = filled.failed
	defer func() { r.t = own }() // before close deletes the run's topics
	if err := r.start(); err != nil {
		return nil, err
	}
	f, err := r.measureShares(ctx, settle, length)
	if err != nil {
		return nil, err
	}
	m, err := r.memory(int(r.api.served.Load()))
	if err != nil {
		return nil, err
	}
	f[peak] = m[peak]
	if who == service { // the loops keep no decisions
		f[peakBare] = m[peakBare]
	}
	return f, r.stop()
}

// measureShares measures the CPU use for length, after the time settle.
func (r *run) measureShares(ctx context.Context, settle, length time.Duration) (figures, error) {
	if err := r.pause(ctx, settle); err != nil {
		return nil, err
	}
	r.c.toggleProfile() // not before: the process must have begun to wait for the signal
	from, err := r.usage()
	if err != nil {
		return nil, err
	}
	if err := r.pause(ctx, length); err != nil {
		return nil, err
	}
	to, err := r.usage()
	if err != nil {
		return nil, err
	}
	r.c.toggleProfile()
	return r.shares(from, to), nil
}
