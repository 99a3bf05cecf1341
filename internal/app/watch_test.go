package app

import (
	"context"
	"io"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer"
	"remux-retrier/internal/admin"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/simulation/memlog"
)

type answered struct{}

func (answered) Receive(d *consumer.Delivery) { d.Done() }
func (answered) Release()                     {}

// hangingFetch is a client whose fetches return only when their context ends, contrary to
// their documentation.
type hangingFetch struct{ Client }

func (hangingFetch) Fetch(ctx context.Context, _ string, _ int, _ int64, _ int) (consumer.Page, error) {
	<-ctx.Done()
	return consumer.Page{}, ctx.Err()
}

// ignoreAll is a RebalanceListener that ignores everything.
type ignoreAll struct{}

func (ignoreAll) Assigned(context.Context, consumer.Assignment) error { return nil }
func (ignoreAll) Opened(int, int64, int64, bool)                      {}
func (ignoreAll) Published(string, int, int64, []*consumer.Record)    {}
func (ignoreAll) Committed(int, int64)                                {}

// missed returns what the watchdog reports ten minutes after happens.
func missed(t *testing.T, wrap func(Client) Client, happens func(b *memlog.Broker)) (m []string) {
	synctest.Test(t, func(t *testing.T) {
		b, err := memlog.New(memlog.Config{Clock: clock.System, Topic: "in", SessionTimeout: 10 * time.Second, RebalanceTimeout: 25 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		b.Create("in", 2)
		ctx, cancel := context.WithCancel(context.Background())
		var running sync.WaitGroup
		running.Go(func() { b.Run(ctx) })
		log := logrus.New()
		log.SetOutput(io.Discard)
		loops := admin.NewLoops(clock.System)
		c, err := consumer.New(consumer.Config{
			Client: watchedClient{wrap(b.Member("a")), loops}, Handler: answered{}, Topic: "in",
			SessionTimeout: 10 * time.Second, Drain: 15 * time.Second, Shutdown: 20 * time.Second, MaxInFlight: 64,
			Listener: ignoreAll{}, Clock: clock.System, Rand: func() float64 { return .5 }, Logger: log,
		})
		if err != nil {
			t.Fatal(err)
		}
		running.Go(func() { c.Run(ctx) })
		time.Sleep(5 * time.Second)
		happens(b)
		time.Sleep(10 * time.Minute)
		m = loops.Missed()
		cancel()
		running.Wait()
	})
	return m
}

func asItIs(l Client) Client { return l }

func TestWaitingIsHealth(t *testing.T) {
	for name, happens := range map[string]func(*memlog.Broker){
		"nothing happens":   func(*memlog.Broker) {},
		"the topic is gone": func(b *memlog.Broker) { b.Delete("in") },
		"brokers away":      func(b *memlog.Broker) { b.SetUnreachable(true) },
	} {
		t.Run(name, func(t *testing.T) {
			if m := missed(t, asItIs, happens); len(m) > 0 {
				t.Errorf("/healthz would ask for a restart: %q", m)
			}
		})
	}
}

func TestAFetchThatHangsIsNoHealth(t *testing.T) {
	m := missed(t, func(l Client) Client { return hangingFetch{l} }, func(*memlog.Broker) {})
	if len(m) != 2 {
		t.Errorf("missed: %q", m)
	}
}
