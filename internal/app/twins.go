package app

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/notice"
)

// twins deals with other members of the group that bear this instance's name.
// At the start that is its crashed self, which is asked to leave; a living one
// cannot be told from it, and is evicted once. Whoever finds another later
// leaves it alone, and says so: two that evict each other would never work.
type twins struct {
	log      *kafkalog.Log
	instance string
	out      *notice.Notice
	say      logrus.FieldLogger
}

// askWithin bounds what nobody has to wait for.
const askWithin = 5 * time.Second

// evict is best effort: without it the group waits for the session time-out.
func (t *twins) evict(ctx context.Context) {
	if t.instance == "" {
		return
	}
	ctx, cancel := clock.WithTimeout(ctx, clock.System, askWithin)
	defer cancel()
	switch n, err := t.log.Evict(ctx); {
	case err != nil:
		t.say.WithError(err).Warn("whether this instance is still a member from before is not known: its place is free after the session time-out at the latest")
	case n > 0:
		t.say.WithField("members", n).Info("took this instance's former place in the group")
	}
}

// look looks for a living twin, while the work goes on.
func (t *twins) look(ctx context.Context) {
	if t.instance == "" {
		return
	}
	clock.System.Go(func() {
		ctx, cancel := clock.WithTimeout(ctx, clock.System, askWithin)
		defer cancel()
		hosts, err := t.log.Others(ctx)
		switch {
		case err != nil:
		case len(hosts) > 0:
			t.out.Problem(fmt.Sprintf("another process uses KAFKA_INSTANCE_ID %s, from %s: give each instance a name of its own, or they push each other out of the group at every start",
				t.instance, strings.Join(hosts, ", ")))
		default:
			t.out.Over("no other process uses KAFKA_INSTANCE_ID " + t.instance + " any more")
		}
	})
}

// note is what /readyz says of it; empty: nothing.
func (t *twins) note() string { return t.out.Text() }
