package main

import (
	"context"
	"strings"
	"time"
)

// idle measures a contestant that has nothing to do.
func (b *bench) idle(ctx context.Context, who string, s setting, settle, length time.Duration) (figures, error) {
	r, err := b.prepare(ctx, who, s)
	if err != nil {
		return nil, err
	}
	defer r.close(ctx)
	if err := r.start(); err != nil {
		return nil, err
	}
	f, err := r.watch(ctx, settle, length)
	if err != nil {
		return nil, err
	}
	n, err := connectionsTo(r.c.cmd.Process.Pid, strings.Split(b.kafka.brokers, ","))
	f[connections] = float64(n)
	if err != nil {
		return nil, err
	}
	return f, r.stop()
}

// backlog measures a contestant that has more to do than it can finish: the
// failure events are those of filled, which other runs read too.
func (b *bench) backlog(ctx context.Context, who string, s setting, filled topics, settle, length time.Duration) (figures, error) {
	r, err := b.prepare(ctx, who, s)
	if err != nil {
		return nil, err
	}
	defer r.close(ctx)
	own := r.t
	r.t.failed = filled.failed
	defer func() { r.t = own }() // before its topics are dropped
	if err := r.start(); err != nil {
		return nil, err
	}
	r.c.toggleProfile()
	f, err := r.watch(ctx, settle, length)
	if err != nil {
		return nil, err
	}
	r.c.toggleProfile()
	m, err := r.memory(int(r.api.served.Load()))
	if err != nil {
		return nil, err
	}
	f[peak] = m[peak]
	if who == service { // the loops remember nothing
		f[peakBare] = m[peakBare]
	}
	return f, r.stop()
}

// watch measures what is used of a core once the contestant has settled.
func (r *run) watch(ctx context.Context, settle, length time.Duration) (figures, error) {
	if err := r.pause(ctx, settle); err != nil {
		return nil, err
	}
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
	return r.shares(from, to), nil
}
