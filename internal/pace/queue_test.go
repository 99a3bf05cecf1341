package pace

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errStopped = errors.New("stopped")

// line is a queue of waiters for a turn, in order.
type line struct {
	g      *Gate
	all    sync.WaitGroup
	cancel []context.CancelCauseFunc

	mu    sync.Mutex
	order []int
}

// stand adds a waiter. It returns once the waiter is in the queue.
func (l *line) stand(t *testing.T) {
	id := len(l.cancel)
	ctx, cancel := context.WithCancelCause(t.Context())
	l.cancel = append(l.cancel, cancel)
	l.all.Go(func() {
		_, err := l.g.request(ctx, func() (Result, time.Duration) {
			l.mu.Lock()
			defer l.mu.Unlock()
			l.order = append(l.order, id)
			return Served, 0
		})
		if err != nil && !errors.Is(err, errStopped) {
			t.Errorf("waiter %d: %v", id, err)
		}
	})
	synctest.Wait()
}

func TestWaiterThatGivesUpLeavesTheOthersInOrder(t *testing.T) {
	const waiters = 5
	for gone := range waiters {
		t.Run(fmt.Sprintf("position %d", gone), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &line{g: owner(t, 60, waiters)}
				for range waiters {
					l.stand(t)
				}
				if n := l.g.State().Waiting; n != waiters {
					t.Fatalf("%d wait", n)
				}
				began := time.Now()
				l.cancel[gone](errStopped)
				synctest.Wait()
				if n := l.g.State().Waiting; n != waiters-1 || time.Now() != began {
					t.Errorf("%d wait, %v after one gave up", n, time.Since(began))
				}
				l.all.Wait()
				want := slices.DeleteFunc([]int{0, 1, 2, 3, 4}, func(i int) bool { return i == gone })
				if !slices.Equal(l.order, want) {
					t.Errorf("the turns came in the order %v", l.order)
				}
			})
		})
	}
}

func TestWaitersThatGiveUpAtAnyMomentDoNoHarm(t *testing.T) {
	for seed := range uint64(50) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 10))
			l := &line{g: owner(t, 6000, 8)} // some wait for a permit, some for a turn
			const waiters = 40
			for range waiters {
				l.stand(t)
			}
			gone := map[int]bool{}
			for range waiters / 2 {
				// Also exactly at a turn: they come every 10.5 ms.
				time.Sleep(time.Duration(random.IntN(3)) * time.Minute * 100 / (6000 * 95) / 2)
				i := random.IntN(waiters)
				gone[i] = true
				l.cancel[i](errStopped)
			}
			l.all.Wait()
			for i := range waiters {
				if !gone[i] && !slices.Contains(l.order, i) {
					t.Fatalf("seed %d: waiter %d never got its turn: %v", seed, i, l.order)
				}
			}
			if s := l.g.State(); s.Waiting != 0 || s.InFlight != 0 {
				t.Fatalf("seed %d: left behind: %+v", seed, s)
			}
		})
	}
}

// The same in real time, so that the race detector sees real threads.
func TestConcurrentCallersRaceForTurnsWithoutLosingPlaces(t *testing.T) {
	g := owner(t, 0, 4)
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			random := rand.New(rand.NewPCG(uint64(i), 11))
			for range 200 {
				ctx, cancel := context.WithCancel(t.Context())
				if random.IntN(2) == 0 {
					go cancel()
				}
				_, _ = g.request(ctx, served)
				cancel()
			}
			g.Assign(Assignment{Partitions: []int{0}, TopicPartitions: 1})
		})
	}
	all.Wait()
	if s := g.State(); s.Waiting != 0 || s.InFlight != 0 {
		t.Errorf("left behind: %+v", s)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for range 4 {
		if _, err := g.Acquire(ctx); err != nil {
			t.Error("a permit was lost")
		}
	}
}

func TestTurnThatIsNotUsedIsNeitherAnAnswerNorUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := owner(t, 600, 2)
		for range 10 {
			permit, err := g.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := permit.Wait(t.Context()); err != nil {
				t.Fatal(err)
			}
			permit.Cancel()
			permit.Release()
		}
		time.Sleep(time.Minute)
		if s := g.State(); s.InFlight != 0 || s.Ended != 0 || !g.Available() {
			t.Errorf("%+v, available: %v", s, g.Available())
		}
	})
}

func TestEndedContextGetsNoTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := owner(t, 0, 1)
		permit, err := g.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer permit.Release()
		ctx, cancel := context.WithCancelCause(t.Context())
		cancel(errStopped)
		if err := permit.Wait(ctx); !errors.Is(err, errStopped) {
			t.Errorf("got %v", err)
		}
		if _, err := g.Acquire(ctx); !errors.Is(err, errStopped) {
			t.Errorf("a permit: %v", err)
		}
		if s := g.State(); s.Waiting != 0 || s.InFlight != 0 {
			t.Errorf("left behind: %+v", s)
		}
	})
}

// A turn whose request is not sent goes to the next one: at a small quota it is many
// seconds.
func TestATurnThatIsGivenBackIsTheNextOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := owner(t, 6, 2)
		unused, err := g.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer unused.Release()
		if err := unused.Wait(t.Context()); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		unused.Cancel()
		send := func() time.Time {
			sent, err := g.request(t.Context(), func() (Result, time.Duration) { return Served, 0 })
			if err != nil {
				t.Fatal(err)
			}
			return sent
		}
		if took := send().Sub(began); took > 0 {
			t.Errorf("the next request left %v later", took)
		}
		if took := send().Sub(began); took < 10*time.Second {
			t.Errorf("the one after it left %v later", took)
		}
	})
}
