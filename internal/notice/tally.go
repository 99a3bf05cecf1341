package notice

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/clock"
)

const (
	tallyEvery = time.Minute
	// maxKinds bounds what is kept, should somebody make kinds of what comes from
	// outside. What exceeds it counts as one.
	maxKinds = 100
	others   = "others"
)

// Tally keeps things that come by the million from filling the log. Of each kind
// the first in a minute is to be said in full; the rest are counted, and said as a
// number when the minute ends. Safe for concurrent use.
type Tally struct {
	clock clock.Clock
	log   logrus.FieldLogger

	mu   sync.Mutex
	more map[string]int // by kind, beyond the first
}

// NewTally makes a tally. Its Run must be called.
func NewTally(c clock.Clock, log logrus.FieldLogger) *Tally {
	return &Tally{clock: c, log: log, more: map[string]int{}}
}

// First tells whether this is the first of its kind in this minute, which the
// caller then logs. Kinds are words for people, from a small set.
func (t *Tally) First(kind string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.more[kind]; !known && len(t.more) >= maxKinds {
		kind = others
	}
	if _, known := t.more[kind]; known {
		t.more[kind]++
		return false
	}
	t.more[kind] = 0
	return true
}

// Run says the numbers each minute, and the last ones when the context ends.
func (t *Tally) Run(ctx context.Context) {
	for t.clock.Sleep(ctx, tallyEvery) == nil {
		t.say()
	}
	t.say()
}

func (t *Tally) say() {
	t.mu.Lock()
	more := t.more
	t.more = map[string]int{}
	t.mu.Unlock()
	for _, kind := range slices.Sorted(maps.Keys(more)) {
		if n := more[kind]; n > 0 {
			t.log.WithField("more", n).Warn(kind + ": more of them within a minute, not logged one by one")
		}
	}
}
