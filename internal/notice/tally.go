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
	// maxKinds bounds the kinds, in case a kind is made from outside data. Further ones
	// count as one kind.
	maxKinds = 100
	others   = "others"
)

// Tally keeps frequent events from filling the log. It tells its caller to log the first ones
// of each kind in a minute. It counts the rest, and logs the count when the minute ends. It
// is safe for concurrent use.
type Tally struct {
	clock clock.Clock
	log   logrus.FieldLogger

	mu    sync.Mutex
	kinds map[string]*tallied
}

// tallied counts the events of one kind in this minute.
type tallied struct {
	level      logrus.Level
	full, more int
}

// NewTally returns a Tally. Its Run must be called.
func NewTally(c clock.Clock, log logrus.FieldLogger) *Tally {
	return &Tally{clock: c, log: log, kinds: map[string]*tallied{}}
}

// First reports whether this is the first of its kind in this minute; then the caller logs
// it. Kinds are log texts, from a small set.
func (t *Tally) First(kind string) bool { return t.Among(1, logrus.WarnLevel, kind) }

// Among reports whether this is one of the first n of its kind in this minute. The count of
// the others is logged at the level.
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

// Run logs the counts each minute, and the last ones when the context ends.
func (t *Tally) Run(ctx context.Context) {
	for t.clock.Sleep(ctx, tallyEvery) == nil {
		t.flush()
	}
	t.flush()
}

func (t *Tally) flush() {
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
