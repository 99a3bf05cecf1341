package admin

import (
	"cmp"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"remux-retrier/internal/clock"
)

// Loops watches the loops that must keep running for the process to be of any use, and
// finds one that hangs. It is the watchdog behind /healthz. A loop that waits for quota,
// the API, brokers or the group still beats, because a restart would not end that wait.
type Loops struct {
	clock clock.Clock
	start time.Time // beats are counted from here, monotonic

	mu    sync.Mutex
	loops map[*Loop]struct{}
}

// NewLoops returns a Loops without loops, which is healthy.
func NewLoops(c clock.Clock) *Loops {
	return &Loops{clock: c, start: c.Now(), loops: make(map[*Loop]struct{})}
}

// Loop is one watched loop. Its methods may be called from any goroutine.
type Loop struct {
	registry *Loops
	name     string
	deadline time.Duration
	beat     atomic.Int64 // time.Duration since registry.start
}

// Loop starts to watch a loop, which must beat at least once within each deadline, starting
// now. Two loops may share a name.
func (l *Loops) Loop(name string, deadline time.Duration) *Loop {
	loop := &Loop{registry: l, name: name, deadline: deadline}
	loop.Beat()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.loops[loop] = struct{}{}
	return loop
}

// Beat notes that the loop is running.
func (l *Loop) Beat() { l.beat.Store(int64(l.registry.now())) }

// Stop ends the watch of a loop that has ended as intended. It may be called more than
// once.
func (l *Loop) Stop() {
	l.registry.mu.Lock()
	defer l.registry.mu.Unlock()
	delete(l.registry.loops, l)
}

func (l *Loops) now() time.Duration { return l.clock.Now().Sub(l.start) }

// Missed describes each loop that missed its deadline, sorted by name.
func (l *Loops) Missed() []string {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	var late []*Loop
	for loop := range l.loops {
		if now-time.Duration(loop.beat.Load()) > loop.deadline {
			late = append(late, loop)
		}
	}
	slices.SortFunc(late, func(a, b *Loop) int { return cmp.Compare(a.name, b.name) })
	var missed []string
	for _, loop := range late {
		silent := now - time.Duration(loop.beat.Load())
		missed = append(missed, fmt.Sprintf("%s has not moved for %s, its deadline is %s",
			loop.name, silent.Round(time.Millisecond), loop.deadline))
	}
	return missed
}
