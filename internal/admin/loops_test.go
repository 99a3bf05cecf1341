package admin

import (
	"slices"
	"sync"
	"testing"
	"time"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/goroutines"
)

func TestMain(m *testing.M) { goroutines.VerifyTestMain(m) }

// manual is a clock that a test sets.
type manual struct {
	clock.Clock // nothing here waits with it

	mu  sync.Mutex
	now time.Time
}

func newManual() *manual { return &manual{now: time.Unix(1_700_000_000, 0)} }

func (c *manual) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *manual) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func TestOnlyTheLoopThatMissedItsOwnDeadlineIsNamed(t *testing.T) {
	c := newManual()
	loops := NewLoops(c)
	quick, slow := loops.Loop("commit", 5*time.Second), loops.Loop("watch topics", time.Minute)

	c.advance(5 * time.Second)
	if missed := loops.Missed(); missed != nil {
		t.Fatalf("at the deadline: %q", missed)
	}
	c.advance(time.Second)
	if missed, want := loops.Missed(), []string{"commit has not moved for 6s, its deadline is 5s"}; !slices.Equal(missed, want) {
		t.Fatalf("after commit's deadline: %q", missed)
	}
	quick.Beat()
	if missed := loops.Missed(); missed != nil {
		t.Fatalf("after commit moved again: %q", missed)
	}
	c.advance(time.Hour)
	if missed := loops.Missed(); len(missed) != 2 || missed[0] > missed[1] {
		t.Fatalf("both, by name: %q", missed)
	}
	slow.Stop()
	slow.Stop()
	quick.Stop()
	if missed := loops.Missed(); missed != nil {
		t.Fatalf("after both ended: %q", missed)
	}
}

func TestLoopThatNeverBeatsIsMissedToo(t *testing.T) {
	c := newManual()
	loops := NewLoops(c)
	c.advance(time.Hour)
	loops.Loop("join", time.Second)
	if missed := loops.Missed(); missed != nil {
		t.Fatalf("the deadline began before the loop: %q", missed)
	}
	c.advance(2 * time.Second)
	if missed := loops.Missed(); len(missed) != 1 {
		t.Fatalf("%q", missed)
	}
}

// A new generation may start its loops before the former one's have ended.
func TestTwoLoopsOfOneNameAreWatchedApart(t *testing.T) {
	c := newManual()
	loops := NewLoops(c)
	old, hung := loops.Loop("fetch 3", time.Second), loops.Loop("fetch 3", time.Second)
	c.advance(2 * time.Second)
	old.Beat()
	old.Stop()
	if missed := loops.Missed(); len(missed) != 1 {
		t.Fatalf("the hung one is hidden by its namesake: %q", missed)
	}
	hung.Stop()
}

func TestLoopsFromManyGoroutines(t *testing.T) {
	loops := NewLoops(newManual())
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 100 {
				loop := loops.Loop("l", time.Second)
				loop.Beat()
				if missed := loops.Missed(); missed != nil {
					t.Errorf("%q", missed)
				}
				loop.Stop()
			}
		})
	}
	group.Wait()
}
