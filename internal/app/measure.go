package app

import (
	"context"
	"time"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/metrics"
	"remux-retrier/internal/retrier"
	"remux-retrier/mpcclient"
)

// measuredAPI counts and times the API calls.
type measuredAPI struct {
	retrier.API
	metrics *metrics.Metrics
	clock   clock.Clock
}

func (m measuredAPI) Retry(ctx context.Context, taskID string) error {
	began := m.clock.Now()
	err := m.API.Retry(ctx, taskID)
	m.metrics.Request(mpcclient.OperationRetry, err, m.since(began))
	return err
}

func (m measuredAPI) Query(ctx context.Context, taskIDs []string) (map[string]mpcclient.Task, error) {
	began := m.clock.Now()
	tasks, err := m.API.Query(ctx, taskIDs)
	m.metrics.Request(mpcclient.OperationQuery, err, m.since(began))
	return tasks, err
}

func (m measuredAPI) since(began time.Time) time.Duration { return m.clock.Now().Sub(began) }
