package pace

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// limiter is an API's limit, which the gate does not know.
type limiter interface{ admit(now time.Time) bool }

// slidingWindow admits a number of requests in any window.
type slidingWindow struct {
	limit    int
	window   time.Duration
	admitted []time.Time
}

func (s *slidingWindow) admit(now time.Time) bool {
	for len(s.admitted) > 0 && now.Sub(s.admitted[0]) >= s.window {
		s.admitted = s.admitted[1:]
	}
	if len(s.admitted) >= s.limit {
		return false
	}
	s.admitted = append(s.admitted, now)
	return true
}

// fixedWindow admits a number of requests in each window. Windows begin at fixed times, which
// offset shifts.
type fixedWindow struct {
	limit    int
	window   time.Duration
	offset   time.Duration
	present  int64
	admitted int
}

func (f *fixedWindow) admit(now time.Time) bool {
	if n := now.Add(f.offset).UnixNano() / int64(f.window); n != f.present {
		f.present, f.admitted = n, 0
	}
	if f.admitted >= f.limit {
		return false
	}
	f.admitted++
	return true
}

// tokenBucket admits a number of requests per window, and bursts up to its size.
type tokenBucket struct {
	limit        int
	window       time.Duration
	size, tokens float64
	at           time.Time
}

func (b *tokenBucket) admit(now time.Time) bool {
	b.tokens = min(b.size, b.tokens+float64(b.limit)*float64(now.Sub(b.at))/float64(b.window))
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// limiters returns limiters of several kinds with the same limit.
func limiters(limit int, window time.Duration, random *rand.Rand) map[string]limiter {
	return map[string]limiter{
		"sliding window": &slidingWindow{limit: limit, window: window},
		"fixed window":   &fixedWindow{limit: limit, window: window, offset: time.Duration(random.Int64N(int64(window)))},
		"full bucket":    &tokenBucket{limit: limit, window: window, size: float64(limit), tokens: float64(limit), at: time.Now()},
		"small bucket":   &tokenBucket{limit: limit, window: window, size: max(3, float64(limit)/6), tokens: 3, at: time.Now()},
		"tiny bucket":    &tokenBucket{limit: limit, window: window, size: 1, tokens: 1, at: time.Now()},
	}
}

// limited is an API behind a limiter.
type limited struct {
	limiter
	mu                sync.Mutex
	rand              *rand.Rand
	latency           time.Duration // at most
	admitted, refused int
}

func (l *limited) call() (Result, time.Duration) {
	l.mu.Lock()
	result := Throttled
	if l.admit(time.Now()) {
		l.admitted++
		result = Served
	} else {
		l.refused++
	}
	latency := 20*time.Millisecond + time.Duration(l.rand.Int64N(int64(l.latency)))
	l.mu.Unlock()
	time.Sleep(latency)
	return result, 0
}

// count returns what was admitted and refused while d passes.
func (l *limited) count(d time.Duration) (admitted, refused int) {
	l.mu.Lock()
	admitted, refused = l.admitted, l.refused
	l.mu.Unlock()
	time.Sleep(d)
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.admitted - admitted, l.refused - refused
}

// The API admits less than the quota, in different kinds of windows, shared by one or
// several instances.
func TestALimitBelowTheQuotaIsUsedAndSeldomExceeded(t *testing.T) {
	for _, limit := range []int{10, 30, 60, 90} {
		for instances := 1; instances <= 3; instances++ {
			refused := 0.10
			if limit == 10 && instances > 1 {
				refused = 0.25 // each sends three to five a minute: one refusal is much
			}
			for kind := range limiters(1, time.Minute, rand.New(rand.NewPCG(0, 0))) {
				if kind == "tiny bucket" && instances > 1 {
					continue // they would collide by chance at any rate
				}
				t.Run(fmt.Sprintf("%d of 100, %s, %d instances", limit, kind, instances), func(t *testing.T) {
					for seed := range uint64(3) {
						synctest.Test(t, func(t *testing.T) {
							random := rand.New(rand.NewPCG(seed, 12))
							api := &limited{limiter: limiters(limit, time.Minute, random)[kind], rand: random, latency: 60 * time.Millisecond}
							defer sharing(t, api, 100, instances)()
							time.Sleep(2 * time.Minute)
							length := max(300/time.Duration(limit), 8) * time.Minute // 300 events, and not too few minutes
							api.checkUse(t, seed, length, float64(limit)/60, refused)
						})
					}
				})
			}
		}
	}
}

// Without a quota thousands of requests are sent first.
func TestALimitIsFoundWithoutAQuota(t *testing.T) {
	for _, c := range []struct {
		limit   int
		window  time.Duration
		refused float64
	}{{50, time.Second, 0.10}, {200, 10 * time.Second, 0.10}, {600, time.Minute, 0.10}, {30, time.Minute, 0.10}} {
		for kind := range limiters(1, time.Minute, rand.New(rand.NewPCG(0, 0))) {
			t.Run(fmt.Sprintf("%d in %v, %s", c.limit, c.window, kind), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					random := rand.New(rand.NewPCG(1, 12))
					api := &limited{limiter: limiters(c.limit, c.window, random)[kind], rand: random, latency: 60 * time.Millisecond}
					defer sharing(t, api, 0, 1)()
					time.Sleep(2 * time.Minute)
					api.checkUse(t, 1, 5*time.Minute, float64(c.limit)/c.window.Seconds(), c.refused)
				})
			})
		}
	}
}

// sharing lets several instances of a group send as fast as they may.
func sharing(t *testing.T, api *limited, quota, instances int) (stop func()) {
	const partitions = 12
	var stops []func()
	for i := range instances {
		g, _ := newGate(t, quota, 64)
		var own []int
		for p := i; p < partitions; p += instances {
			own = append(own, p)
		}
		g.Assign(Assignment{Partitions: own, TopicPartitions: partitions, Owners: map[int][]string{}})
		stops = append(stops, g.busy(64, api.call))
	}
	return func() {
		for _, stop := range stops {
			stop()
		}
	}
}

// checkUse: in the given time from now on, at most refused of the requests are refused, and
// at least 85 % of what is admitted is used.
func (l *limited) checkUse(t *testing.T, seed uint64, length time.Duration, perSecond, refusedAtMost float64) {
	t.Helper()
	admitted, refused := l.count(length)
	possible := perSecond * length.Seconds()
	refusedPart, used := float64(refused)/float64(admitted+refused), float64(admitted)/possible
	t.Logf("seed %d: %.1f %% refused, %.1f %% used", seed, 100*refusedPart, 100*used)
	if refusedPart > refusedAtMost {
		t.Errorf("seed %d: %.1f %% of the calls were refused", seed, 100*refusedPart)
	}
	if used < 0.85 {
		t.Errorf("seed %d: %.1f %% of what is admitted was used", seed, 100*used)
	}
}

// For ten seconds everything is refused. Afterwards the backlog is sent at the earlier
// speed, not after minutes of trying.
func TestABacklogIsDoneSoonAfterEverythingWasRefused(t *testing.T) {
	for _, before := range []time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond} {
		t.Run(fmt.Sprintf("after %v", before), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				g := owner(t, 0, 64)
				began, left := time.Now(), 5000
				var mu sync.Mutex
				var all sync.WaitGroup
				for range 5000 {
					all.Go(func() {
						permit, err := g.Acquire(t.Context())
						if err != nil {
							t.Error(err)
							return
						}
						defer permit.Release()
						for result := Throttled; result == Throttled; permit.Done(result, 0) {
							if err := permit.Wait(t.Context()); err != nil {
								t.Error(err)
								return
							}
							if at := time.Since(began); at < before || at >= before+10*time.Second {
								result = Served
							}
							time.Sleep(10 * time.Millisecond)
						}
						mu.Lock()
						left--
						mu.Unlock()
					})
				}
				all.Wait()
				took := time.Since(began) - before - 10*time.Second
				t.Logf("done %v after the refusals ended", took)
				if took > 10*time.Second || left > 0 {
					t.Errorf("%d left, %v after the refusals ended", left, took)
				}
			})
		})
	}
}
