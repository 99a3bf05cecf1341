package memlog_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"remux-retrier/consumer"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/goroutines"
	"remux-retrier/internal/simulation/memlog"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

// inBubble runs a test on a broker whose topic "in" has two partitions.
func inBubble(t *testing.T, fetchWait time.Duration, test func(t *testing.T, b *memlog.Broker)) {
	synctest.Test(t, func(t *testing.T) {
		b, err := memlog.New(memlog.Config{
			Clock: clock.System, Topic: "in", SessionTimeout: 10 * time.Second, RebalanceTimeout: 20 * time.Second, FetchWait: fetchWait,
		})
		if err != nil {
			t.Fatal(err)
		}
		b.Create("in", 2)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go b.Run(ctx)
		test(t, b)
	})
}

func message(text string) consumer.Message { return consumer.Message{Value: []byte(text)} }

func TestSpanBeginsAtTheFirstRecordThatIsYoungEnough(t *testing.T) {
	inBubble(t, 0, func(t *testing.T, b *memlog.Broker) {
		start := time.Now()
		for _, minute := range []time.Duration{0, 5, 3, 9} { // producers' clocks differ
			b.AppendAt("in", 0, start.Add(minute*time.Minute), message("x"))
		}
		b.Skip("in", 0, 2)
		b.Retain("in", 0, 1)
		m := b.Member("m")
		for name, c := range map[string]struct {
			since time.Time
			from  int64
		}{
			"all":             {time.Time{}, 1},
			"of the hour":     {start.Add(-time.Hour), 1},
			"exactly as old":  {start.Add(5 * time.Minute), 1},
			"a moment later":  {start.Add(5*time.Minute + 1), 3},
			"nothing so late": {start.Add(time.Hour), 6},
		} {
			got, err := m.Span(t.Context(), "in", 2, c.since)
			if want := []consumer.Interval{{From: c.from, To: 6}, {}}; err != nil || !slices.Equal(got, want) {
				t.Errorf("%s: %v, %v, want %v", name, got, err, want)
			}
		}
		if _, err := m.Span(t.Context(), "in", 3, time.Time{}); !errors.Is(err, consumer.ErrUnknownTopic) {
			t.Errorf("of a partition that is not there: %v", err)
		}
	})
}

func TestAFetchWaitsForItsOwnPartition(t *testing.T) {
	inBubble(t, time.Hour, func(t *testing.T, b *memlog.Broker) {
		start := time.Now()
		time.AfterFunc(time.Minute, func() { b.Append("in", 1, message("other")) })
		time.AfterFunc(2*time.Minute, func() { b.Append("in", 0, message("own")) })
		page, err := b.Member("m").Fetch(t.Context(), "in", 0, 0, 1000)
		if err != nil || len(page.Records) != 1 || time.Since(start) != 2*time.Minute {
			t.Errorf("after %v: %+v, %v", time.Since(start), page, err)
		}
		page, err = b.Member("m").Fetch(t.Context(), "in", 0, 1, 1000)
		if err != nil || page.Next != 1 || time.Since(start) != 62*time.Minute {
			t.Errorf("after %v: %+v, %v", time.Since(start), page, err)
		}
	})
}

func TestAFetchUnderWayIsCutOffWithItsMember(t *testing.T) {
	inBubble(t, time.Hour, func(t *testing.T, b *memlog.Broker) {
		m := b.Member("m")
		time.AfterFunc(time.Second, func() { m.SetHung(true) })
		time.AfterFunc(2*time.Second, func() { b.Append("in", 0, message("x")) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		page, err := m.Fetch(ctx, "in", 0, 0, 1000)
		if !errors.Is(err, context.DeadlineExceeded) || len(page.Records) != 0 {
			t.Errorf("%+v, %v", page, err)
		}
	})
}
