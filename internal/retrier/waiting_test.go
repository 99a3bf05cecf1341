package retrier

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// uncommitted is the lease of an event whose call is never covered by a commit.
type uncommitted struct{ *lease }

func (uncommitted) BeforeCall(ctx context.Context) error {
	<-ctx.Done()
	return context.Cause(ctx)
}

// A backlog behind Kafka that is reported as one behind the quota keeps the alarm silent.
// Here six may be called and unacknowledged, three in flight; nothing is acknowledged.
func TestWhatKafkaHoldsUpDoesNotWaitForTheQuota(t *testing.T) {
	for hazard, c := range map[string]struct {
		perMinute   int
		writable    int // events that come first and can be called
		uncommitted int
		inDoubt     int
		want        Waiting
	}{
		"outcomes are not taken, few events":              {0, 6, 0, 0, Waiting{}},
		"outcomes are not taken, a backlog":               {0, 20, 0, 0, Waiting{Kafka: 14}},
		"one event's commit is refused":                   {0, 0, 1, 0, Waiting{Kafka: 1}},
		"all commits are refused":                         {0, 0, 20, 0, Waiting{Kafka: 20}},
		"all commits are refused, and a state is queried": {0, 0, 3, 2, Waiting{Kafka: 5}},
		"outcomes are not taken, then no commit is":       {0, 4, 10, 0, Waiting{Kafka: 10}},
		"outcomes are not taken, and the quota is low":    {1, 20, 0, 0, Waiting{Quota: 20}},
		"one commit is refused, others wait in turn":      {1, 2, 1, 0, Waiting{Quota: 2, Kafka: 1}},
	} {
		t.Run(hazard, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := newHarness(t, &api{}, c.perMinute, func(cfg *Config) { cfg.MaxInFlight = 3 })
				defer d.stop()
				ctx, cancel := context.WithCancel(context.Background())
				var under sync.WaitGroup
				for i := range c.writable + c.uncommitted + c.inDoubt {
					ev := newEvent(fmt.Sprint(i))
					l := &lease{at: ev.Source.Offset}
					if ev.Lease = l; i >= c.writable {
						ev.Lease = uncommitted{l}
					}
					if i >= c.writable+c.uncommitted {
						l.doubt, l.since = true, time.Now()
					}
					under.Go(func() { _, _ = d.Answer(ctx, ev) })
					synctest.Wait()
				}
				time.Sleep(30 * time.Second)
				if w := d.Waiting(); w != c.want {
					t.Errorf("%+v, want %+v", w, c.want)
				}
				cancel()
				under.Wait()
				if w := d.Waiting(); w != (Waiting{}) {
					t.Errorf("%+v after all have gone", w)
				}
			})
		})
	}
}

// panicking is the lease of an event whose work panics. As the consumer's, it goes on.
type panicking struct{ *lease }

func (p panicking) Do(f func()) {
	defer func() { _ = recover() }()
	p.lease.Do(f)
}

// Such an event waits for a restart. Counted as one that waits for Kafka, it would send
// people to the brokers.
func TestAnEventWhoseHandlingPanickedWaitsForNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newHarness(t, &api{retry: func(context.Context, string, int) error { panic("odd") }}, 0, nil)
		defer d.stop()
		ctx, cancel := context.WithCancel(context.Background())
		ev := newEvent("1")
		ev.Lease = panicking{&lease{at: ev.Source.Offset}}
		var under sync.WaitGroup
		under.Go(func() { _, _ = d.Answer(ctx, ev) })
		time.Sleep(30 * time.Second)
		if w := d.Waiting(); w != (Waiting{}) || !d.schedule.has("1") {
			t.Errorf("%+v; held: %v", w, d.schedule.has("1"))
		}
		cancel()
		under.Wait()
	})
}
