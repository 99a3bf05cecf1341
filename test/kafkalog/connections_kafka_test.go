//go:build kafka

package kafkalog_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"remux-retrier/consumer"
)

// If requests to a broker were not combined, each fetch in progress would use a connection,
// and a lookup of 64 partitions 64 connections.
func TestKafkaManyPartitionsNeedFewConnections(t *testing.T) {
	c := shared(t)
	c.NeedOwn(t)
	use := own(t, c, nil)
	const partitions = 64
	before := connections(t, c.Addrs())
	l := member(t, c.Addrs(), use)
	func() {
		cl := other(t, c.Addrs())
		defer cl.Close()
		if _, err := kadm.NewClient(cl).UpdatePartitions(soon(t), partitions, l.cfg.Topic, l.cfg.Topics[0]); err != nil {
			t.Fatal(err)
		}
	}()
	until(t, "the partitions are known", func() bool {
		_, err := l.Span(soon(t), l.cfg.Topics[0], partitions, time.Time{})
		return err == nil
	})
	g := join(t, l)
	defer g.Release()

	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	defer running.Wait()
	defer stop()
	each := func(what string, f func() error) {
		running.Go(func() {
			for ctx.Err() == nil {
				if err := f(); err != nil && ctx.Err() == nil {
					t.Errorf("%s: %v", what, err)
					return
				}
			}
		})
	}
	var load atomic.Bool
	var read, written atomic.Int64
	for _, topic := range []string{l.cfg.Topic, l.cfg.Topics[0]} {
		for p := range partitions {
			var next int64
			each("fetch", func() error {
				page, err := l.Fetch(ctx, topic, p, next, 64<<10)
				if err == nil {
					read.Add(int64(len(page.Records)))
					next = page.Next
				}
				return err
			})
			each("write", func() error {
				if !load.Load() {
					time.Sleep(10 * time.Millisecond)
					return nil
				}
				_, err := l.Produce(ctx, topic, p, []consumer.Message{{Value: make([]byte, 300)}})
				if err == nil {
					written.Add(1)
				}
				return err
			})
		}
		each("span", func() error {
			time.Sleep(time.Second)
			_, err := l.Span(ctx, topic, partitions, time.Now().Add(-time.Minute))
			return err
		})
	}
	each("commit", func() error {
		time.Sleep(time.Second)
		return g.Commit(ctx, map[int]consumer.Position{0: {Offset: 1}})
	})

	for _, phase := range []string{"idle", "busy"} {
		most := 8
		if phase == "busy" {
			most = 16 // on a busy machine some writes take longer than a second: each lets one more be opened
		}
		load.Store(phase == "busy")
		time.Sleep(time.Second) // skips the first requests of each kind
		began, requests, records, peak := time.Now(), l.Requests(), read.Load(), 0
		for time.Since(began) < 6*time.Second {
			peak = max(peak, connections(t, c.Addrs())-before)
			time.Sleep(20 * time.Millisecond)
		}
		perSecond := float64(l.Requests()-requests) / time.Since(began).Seconds()
		t.Logf("%s: at most %d connections, %.1f requests and %.0f records a second", phase, peak, perSecond, float64(read.Load()-records)/time.Since(began).Seconds())
		if peak > most {
			t.Errorf("%s: %d connections, want at most %d", phase, peak, most)
		}
		// 2 fetches, 4 lookups and a commit. On a busy machine some partitions are late and
		// need more.
		if limit := 20.0; phase == "idle" && perSecond > limit {
			t.Errorf("%.1f requests a second, want at most %.0f", perSecond, limit)
		}
	}
	load.Store(false)
	until(t, "all written records are read", func() bool { return read.Load() >= written.Load() })
}
