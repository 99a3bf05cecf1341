package pace

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// bucket is an API that admits a number of calls a second, unknown to the gate: a token
// bucket of the given size.
type bucket struct {
	mu        sync.Mutex
	perSecond float64
	size      float64
	tokens    float64
	at        time.Time
	rand      *rand.Rand

	served, throttled int
}

func newBucket(perSecond, size float64) *bucket {
	return &bucket{perSecond: perSecond, size: size, tokens: size, at: time.Now(), rand: rand.New(rand.NewPCG(1, 2))}
}

func (b *bucket) call() (Result, time.Duration) {
	b.mu.Lock()
	now := time.Now()
	b.tokens = min(b.size, b.tokens+b.perSecond*now.Sub(b.at).Seconds())
	b.at = now
	result := Throttled
	if b.tokens >= 1 {
		b.tokens--
		b.served++
		result = Served
	} else {
		b.throttled++
	}
	latency := time.Duration(20+b.rand.IntN(60)) * time.Millisecond
	b.mu.Unlock()
	time.Sleep(latency)
	return result, 0
}

// limit changes what the API admits from now on.
func (b *bucket) limit(perSecond float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.perSecond, b.tokens, b.at = perSecond, min(b.tokens, perSecond), time.Now()
}

// count resets the counts, lets d pass, and returns what the API saw meanwhile.
func (b *bucket) count(d time.Duration) (served, throttled int) {
	b.mu.Lock()
	b.served, b.throttled = 0, 0
	b.mu.Unlock()
	time.Sleep(d)
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.served, b.throttled
}

func TestUnknownLimitIsFoundAndUsed(t *testing.T) {
	for _, c := range []struct {
		quota     int
		admits    float64
		size      float64
		ignoreFor time.Duration
	}{
		{0, 10, 10, 10 * time.Second},
		{0, 10, 1, 10 * time.Second},
		{6000, 10, 10, 10 * time.Second},
		{6000, 10, 1, 10 * time.Second},
		{0, 100, 100, 10 * time.Second},
		{1000, 10, 10, 10 * time.Second},
	} {
		t.Run(fmt.Sprintf("quota %d, admits %v a second", c.quota, c.admits), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, api := owner(t, c.quota, 64), newBucket(c.admits, c.size)
				defer g.busy(100, api.call)()
				first, refused := api.count(c.ignoreFor)
				const length = 3 * time.Minute
				served, throttled := api.count(length)
				ideal := c.admits * length.Seconds()
				t.Logf("first %v: %d served, %d throttled; then %d served of %.0f, %d throttled", c.ignoreFor, first, refused, served, ideal, throttled)
				if part := float64(throttled) / float64(served+throttled); part > 0.05 {
					t.Errorf("%.1f %% of the calls were throttled", 100*part)
				}
				if part := float64(served) / ideal; part < 0.85 {
					t.Errorf("%.1f %% of the ideal speed", 100*part)
				}
			})
		})
	}
}

func TestLimitIsForgottenOnceItIsGone(t *testing.T) {
	for _, quota := range []int{60, 100, 600, 6000} {
		t.Run(fmt.Sprintf("quota %d", quota), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, api := owner(t, quota, 64), newBucket(1000, 1000)
				defer g.busy(100, api.call)()
				time.Sleep(time.Minute)
				api.limit(0)
				served, throttled := api.count(time.Minute)
				if served > 0 || throttled > 75 {
					t.Errorf("while everything is throttled: %d served, %d throttled", served, throttled)
				}
				api.limit(1000)
				time.Sleep(time.Minute)
				served, _ = api.count(time.Minute)
				t.Logf("quota %d: %d served", quota, served)
				if served < quota*9/10 {
					t.Errorf("a minute later: %d served of %d", served, quota)
				}
			})
		})
	}
}

// If another program uses most of the quota, the limit is below one request a second, and
// each attempt to go faster costs a large part of it.
func TestTinyUnknownLimitIsNotHammered(t *testing.T) {
	for _, c := range []struct {
		quota  int
		admits float64
	}{{100, 0.5}, {40, 0.3}} {
		t.Run(fmt.Sprintf("quota %d, admits %v a second", c.quota, c.admits), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g, api := owner(t, c.quota, 64), newBucket(c.admits, 1)
				defer g.busy(100, api.call)()
				time.Sleep(time.Minute)
				served, throttled := api.count(10 * time.Minute)
				if part := float64(throttled) / float64(served+throttled); part > 0.4 {
					t.Errorf("%.1f %% of the calls were throttled", 100*part)
				}
				if part := float64(served) / (c.admits * 600); part < 0.6 {
					t.Errorf("%.1f %% of the ideal speed", 100*part)
				}
			})
		})
	}
}

// The refusal of a request that is in flight when the partitions are taken away must not
// leave a rate of zero for when they come back.
func TestRefusalWithoutAShareDoesNotStopTheGateForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := owner(t, 600, 4)
		if _, err := g.request(t.Context(), func() (Result, time.Duration) {
			g.Assign(Assignment{TopicPartitions: 1})
			return Throttled, 0
		}); err != nil {
			t.Fatal(err)
		}
		g.Assign(Assignment{Partitions: []int{0}, TopicPartitions: 1})
		began := time.Now()
		for range 10 {
			if _, err := g.request(t.Context(), served); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > 15*time.Second {
			t.Errorf("ten requests took %v", took)
		}
	})
}

func TestRetryAfterHoldsEverybody(t *testing.T) {
	for name, result := range map[string]Result{"throttled": Throttled, "failed": Failed} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := owner(t, 6000, 64)
				asked := time.Now()
				var mu sync.Mutex
				var first time.Time
				if _, err := g.request(t.Context(), func() (Result, time.Duration) { return result, 30 * time.Second }); err != nil {
					t.Fatal(err)
				}
				// A shorter one, of a request that was sent before, shortens nothing.
				permit := &Permit{g: g, sent: asked}
				g.breaker.sent(asked)
				permit.Done(result, time.Second)
				stop := g.busy(20, func() (Result, time.Duration) {
					mu.Lock()
					defer mu.Unlock()
					if first.IsZero() {
						first = time.Now()
					}
					return Served, 0
				})
				time.Sleep(time.Minute)
				stop()
				if took := first.Sub(asked); took < 30*time.Second || took > 32*time.Second {
					t.Errorf("the next request left after %v", took)
				}
			})
		})
	}
}

func TestAbsurdRetryAfterIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := owner(t, 600, 4)
		began := time.Now()
		for _, wait := range []time.Duration{1000 * time.Hour, 0} {
			if _, err := g.request(t.Context(), func() (Result, time.Duration) { return Served, wait }); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(began); took > longestHold+time.Second {
			t.Errorf("held for %v", took)
		}
	})
}
