package app

import (
	"context"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/config"
	"remux-retrier/internal/trace"
)

// Limits for delivering the last spans at a stop, however much of SHUTDOWN_TIMEOUT is left.
const (
	leastForSpans = 100 * time.Millisecond
	mostForSpans  = 3 * time.Second
)

// openTracer returns a nil tracer if no exporter is configured. Call shut when the work has
// ended.
func openTracer(ctx context.Context, cfg config.Config, version string, log logrus.FieldLogger) (t *trace.Tracer, shut func(), err error) {
	if !cfg.Traces {
		return nil, func() {}, nil
	}
	api, err := url.Parse(cfg.MPC.Endpoint)
	if err != nil {
		return nil, nil, err
	}
	t, err = trace.New(trace.Config{
		Version: version, Group: cfg.Kafka.GroupID, Client: cfg.Kafka.ClientID, API: api.Hostname(), Logger: log,
	})
	if err != nil {
		return nil, nil, err
	}
	var stopped atomic.Pointer[time.Time] // when the stop was requested
	forget := context.AfterFunc(ctx, func() {
		now := time.Now()
		stopped.Store(&now)
	})
	return t, func() {
		forget()
		left := cfg.ShutdownTimeout - closing
		if at := stopped.Load(); at != nil {
			left -= time.Since(*at)
		}
		t.Close(min(max(left, leastForSpans), mostForSpans))
	}, nil
}
