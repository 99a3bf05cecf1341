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
// the first ones in a minute are to be logged in full; the rest are counted, and the
// number is logged when the minute ends. Safe for concurrent use.
type Tally struct {
	clock clock.Clock
	log   logrus.FieldLogger

	mu    sync.Mutex
	kinds map[string]*tallied
}

// tallied is what has come of a kind in this minute.
type tallied struct {
	level      logrus.Level
	full, more int
}

// NewTally makes a tally. Its Run must be called.
func NewTally(c clock.Clock, log logrus.FieldLogger) *Tally {
	return &Tally{clock: c, log: log, kinds: map[string]*tallied{}}
}

// First tells whether this is the first of its kind in this minute, which the
// caller then logs. Kinds are words for people, from a small set.
func (t *Tally) First(kind string) bool { return t.Among(1, logrus.WarnLevel, kind) }

// Among tells whether this is one of the first n of its kind in this minute. The
// number of the others is logged at the level.
func (t *Tally) Among(n int, level logrus.Level, kind string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.kinds[kind]
	if k == nil && len(t.kinds) >= maxKinds {
		kind = others
		k = t.kinds[kind]
	}
	if k == nil {
		k = &tallied{level: level}
		t.kinds[kind] = k
	}
	if k.full < n {
		k.full++
		return true
	}
	k.more++
	return false
}

// Run logs the numbers each minute, and the last ones when the context ends.
func (t *Tally) Run(ctx context.Context) {
	for t.clock.Sleep(ctx, tallyEvery) == nil {
		t.say()
	}
	t.say()
}

func (t *Tally) say() {
	t.mu.Lock()
	kinds := t.kinds
	t.kinds = map[string]*tallied{}
	t.mu.Unlock()
	for _, kind := range slices.Sorted(maps.Keys(kinds)) {
		if k := kinds[kind]; k.more > 0 {
			t.log.WithField("more", k.more).Log(k.level, kind+": more of them within a minute, not logged one by one")
		}
	}
}
