package pace

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/sirupsen/logrus"
	"github.com/sirupsen/logrus/hooks/test"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/goroutines"
)

// The tests run in bubbles of testing/synctest: the system's clock is virtual there, and
// hours of waiting take no time.

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

func newGate(t testing.TB, perMinute, maxInFlight int) (*Gate, *test.Hook) {
	t.Helper()
	log, hook := test.NewNullLogger()
	g, err := New(Config{
		PerWindow: perMinute, Window: time.Minute, MaxInFlight: maxInFlight, Clock: clock.System, Logger: log,
	})
	if err != nil {
		t.Fatal(err)
	}
	return g, hook
}

func nullLogger() logrus.FieldLogger {
	log, _ := test.NewNullLogger()
	return log
}

// owner is a gate that owns the whole topic, of one partition.
func owner(t *testing.T, perMinute, maxInFlight int) *Gate {
	t.Helper()
	g, _ := newGate(t, perMinute, maxInFlight)
	g.Assign(Assignment{Partitions: []int{0}, TopicPartitions: 1})
	return g
}

// request sends one request to api and returns when it was sent.
func (g *Gate) request(ctx context.Context, api func() (Result, time.Duration)) (time.Time, error) {
	permit, err := g.Acquire(ctx)
	if err != nil {
		return time.Time{}, err
	}
	defer permit.Release()
	if err := permit.Wait(ctx); err != nil {
		return time.Time{}, err
	}
	sent := time.Now()
	result, retryAfter := api()
	permit.Done(result, retryAfter)
	return sent, nil
}

// busy runs a number of callers that send one request after another, until stop is called.
func (g *Gate) busy(callers int, api func() (Result, time.Duration)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for ctx.Err() == nil {
				_, _ = g.request(ctx, api) // fails only when stopped
			}
		})
	}
	return func() {
		cancel()
		all.Wait()
	}
}
