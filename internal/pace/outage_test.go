package pace

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// backend is an API that can be unavailable.
type backend struct {
	mu      sync.Mutex
	failing bool
	hanging bool
	odds    float64 // of failing while it is available
	rand    *rand.Rand
	sent    []time.Time
	served  []time.Time
}

func newBackend() *backend { return &backend{rand: rand.New(rand.NewPCG(8, 9))} }

func (b *backend) set(failing, hanging bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failing, b.hanging = failing, hanging
}

func (b *backend) call() (Result, time.Duration) {
	b.mu.Lock()
	b.sent = append(b.sent, time.Now())
	failing, hanging := b.failing || b.rand.Float64() < b.odds, b.hanging
	b.mu.Unlock()
	if hanging {
		time.Sleep(10 * time.Second) // the call's timeout
		return Failed, 0
	}
	time.Sleep(20 * time.Millisecond)
	if failing {
		return Failed, 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.served = append(b.served, time.Now())
	return Served, 0
}

// within counts the times in the given period.
func within(times []time.Time, from time.Time, length time.Duration) int {
	n := 0
	for _, at := range times {
		if !at.Before(from) && at.Before(from.Add(length)) {
			n++
		}
	}
	return n
}

func TestOutageLeavesOneProbeASecond(t *testing.T) {
	for _, quota := range []int{0, 120, 6000} {
		t.Run(fmt.Sprintf("quota %d", quota), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, api := owner(t, quota, 8), newBackend()
				stop := g.busy(50, api.call)
				time.Sleep(time.Minute)
				if !g.Available() {
					t.Error("not available before the outage")
				}
				began := time.Now()
				api.set(true, false)
				time.Sleep(30 * time.Second)
				if g.Available() || g.State().Down.IsZero() {
					t.Error("the outage was not noticed")
				}
				// An answer in flight when the outage began may close the breaker once
				// more.
				if n := g.Counters().Outages; n < 1 || n > 2 {
					t.Errorf("counted %d outages", n)
				}
				stop()
				// Requests in flight when it began and when it was noticed, and one a
				// second.
				if n := within(api.sent, began, 30*time.Second); n > 8+8+3+30 || n < 28 {
					t.Errorf("%d requests in an outage of 30 s", n)
				}
				if n := within(api.sent, began.Add(10*time.Second), 20*time.Second); n < 19 || n > 21 {
					t.Errorf("%d probes in 20 s", n)
				}
			})
		})
	}
}

func TestProbesStayWithinTheQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, api := owner(t, 10, 8), newBackend()
		api.set(true, false)
		stop := g.busy(20, api.call)
		time.Sleep(10 * time.Minute)
		stop()
		if n := len(api.sent); n > 100 {
			t.Errorf("%d probes in ten minutes with a quota of 10 a minute", n)
		}
	})
}

func TestLongOutageIsProbedLessOften(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, api := owner(t, 0, 8), newBackend()
		api.set(true, false)
		stop := g.busy(20, api.call)
		time.Sleep(24 * time.Hour)
		stop()
		first := api.sent[0]
		for i := 20; i < len(api.sent); i++ {
			gap, since := api.sent[i].Sub(api.sent[i-1]), api.sent[i].Sub(first)
			switch {
			case gap > 11*time.Second:
				t.Fatalf("%v into the outage nothing was probed for %v", since, gap)
			case since < 5*time.Minute && gap > 1100*time.Millisecond:
				t.Fatalf("%v into the outage nothing was probed for %v", since, gap)
			case since > 10*time.Minute && gap < 10*time.Second-time.Millisecond:
				t.Fatalf("%v into the outage two probes were %v apart", since, gap)
			}
		}
	})
}

func TestWaitersTakeTurnsAsTheProbe(t *testing.T) {
	for _, slots := range []int{1, 3, 64} {
		t.Run(fmt.Sprintf("%d in flight", slots), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := owner(t, 0, slots)
				ctx, cancel := context.WithTimeout(t.Context(), 50*time.Second)
				defer cancel()
				var order []int
				var all sync.WaitGroup
				const callers = 10
				for id := range callers {
					all.Go(func() {
						for ctx.Err() == nil {
							_, _ = g.request(ctx, func() (Result, time.Duration) {
								order = append(order, id) // probes are sent one at a time
								time.Sleep(time.Millisecond)
								return Failed, 0
							})
						}
					})
					time.Sleep(10 * time.Millisecond) // the first few find out that the API is unavailable
				}
				all.Wait()
				order = order[len(order)%callers+callers:]
				for i := 0; i+callers <= len(order); i += callers {
					turn := slices.Clone(order[i : i+callers])
					slices.Sort(turn)
					if len(slices.Compact(turn)) != callers {
						t.Fatalf("one probed twice while another waited: %v", order)
					}
				}
			})
		})
	}
}

func TestHangingAPIIsNoticedByItsSilence(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, api := owner(t, 600, 64), newBackend()
		stop := g.busy(100, api.call)
		time.Sleep(time.Minute)
		began := time.Now()
		api.set(false, true)
		time.Sleep(2250 * time.Millisecond)
		if g.Available() {
			t.Error("two seconds of silence were not noticed")
		}
		time.Sleep(30*time.Second - time.Since(began))
		stop()
		if n := within(api.sent, began.Add(2250*time.Millisecond), 7*time.Second); n > 8 {
			t.Errorf("%d requests in 7 s of silence", n)
		}
		if n := within(api.sent, began.Add(12*time.Second), 15*time.Second); n > 16 {
			t.Errorf("%d probes in 15 s", n)
		}
	})
}

func TestSlowAPIIsNotTakenForAnOutage(t *testing.T) {
	for _, latency := range []time.Duration{time.Second, 3 * time.Second, 6 * time.Second} {
		t.Run(latency.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := owner(t, 300, 64)
				stop := g.busy(64, func() (Result, time.Duration) {
					time.Sleep(latency)
					return Served, 0
				})
				time.Sleep(2 * time.Minute)
				before := g.Counters().Served
				time.Sleep(10 * time.Minute)
				if n := g.Counters().Served - before; n < 2700 {
					t.Errorf("%d of 3000 requests in ten minutes", n)
				}
				stop()
			})
		})
	}
}

func TestFullSpeedWithinTwoSecondsOfAnOutagesEnd(t *testing.T) {
	for _, length := range []time.Duration{10 * time.Second, time.Minute} {
		for _, hanging := range []bool{false, true} {
			for _, quota := range []int{100, 600, 6000} {
				t.Run(fmt.Sprintf("%v, hanging %v, quota %d", length, hanging, quota), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						g, api := owner(t, quota, 64), newBackend()
						stop := g.busy(200, api.call)
						time.Sleep(time.Minute)
						api.set(!hanging, hanging)
						time.Sleep(length)
						api.set(false, false)
						ended := time.Now()
						time.Sleep(time.Minute)
						stop()
						got := within(api.served, ended.Add(2*time.Second), 20*time.Second)
						if want := float64(quota) / 3 * 0.9; float64(got) < want {
							t.Errorf("%d served in 20 s, want %.0f", got, want)
						}
						if n := within(api.served, ended, 2*time.Second); n == 0 {
							t.Error("nothing was served within two seconds")
						}
					})
				})
			}
		}
	}
}

func TestHalfOfTheCallsFailingIsNoStandstill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, api := owner(t, 600, 64), newBackend()
		api.odds = 0.5
		stop := g.busy(100, api.call)
		time.Sleep(10 * time.Minute)
		stop()
		if n := len(api.served); n < 600 {
			t.Errorf("%d served in ten minutes", n)
		}
		for i := 1; i < len(api.served); i++ {
			if gap := api.served[i].Sub(api.served[i-1]); gap > 30*time.Second {
				t.Errorf("nothing was served for %v", gap)
			}
		}
	})
}

func TestOutageIsSaidOnceAndSoIsItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g, log := newGate(t, 0, 8)
		g.Assign(Assignment{Partitions: []int{0}, TopicPartitions: 1})
		api := newBackend()
		api.set(true, false)
		stop := g.busy(20, api.call)
		time.Sleep(10 * time.Minute)
		api.set(false, false)
		time.Sleep(time.Minute)
		stop()
		if n := len(log.AllEntries()); n != 2 {
			t.Errorf("%d lines in the log: %v", n, log.AllEntries())
		}
	})
}

// A failed request's connections may lead to a dead node, and DNS soon to another one.
func TestEachFailureOfAnOutageIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := owner(t, 0, 10)
		told := 0
		g.OnFailing(func() { told++ })
		answer := func(r Result, n, want int) {
			told = 0
			for range n {
				if _, err := g.request(t.Context(), func() (Result, time.Duration) { return r, 0 }); err != nil {
					t.Fatal(err)
				}
			}
			if told != want {
				t.Errorf("told %d times, want %d", told, want)
			}
		}
		answer(Failed, 2, 0) // single failures are usual
		answer(Failed, 5, 5)
		answer(Throttled, 1, 0)
		answer(Failed, 1, 1)
		answer(Served, 3, 0)
		answer(Failed, 3, 1)
	})
}
