package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"remux-retrier/internal/clock"
)

// commitLoop commits once a second, and at once when a call waits for a commit or soon
// would. It continues during the drain, to keep the membership.
func (g *generation) commitLoop(ctx context.Context) {
	b := g.c.newBackoff()
	var ticked time.Time
	for ctx.Err() == nil && g.owned.Err() == nil {
		now := g.c.cfg.Clock.Now()
		tick := now.Sub(ticked) >= commitInterval
		if tick {
			ticked = now
			for _, p := range g.opened() {
				p.tracker.tick()
			}
		}
		// The end of the drain does not cancel a commit in flight: it might be stored after
		// the last one, and the next owner would query tasks for nothing.
		one, cancel := clock.WithTimeout(g.owned, g.c.cfg.Clock, g.c.commitTimeout())
		err := g.commit(one, tick, false)
		cancel()
		if errors.Is(err, ErrUnknownTopic) {
			err = g.verifyTopic(ctx)
		}
		if err != nil {
			_ = g.c.cfg.Clock.Sleep(ctx, b.Next())
			continue
		}
		b.Reset()
		g.commits.Wait(ctx, g.c.cfg.Clock, commitInterval)
	}
}

// lastCommit is the generation's final commit. No work is in flight any more, so partitions
// without calls in doubt are committed as clean. If commits fail, its backoff also delays
// the next generation, which would fail the same way.
func (g *generation) lastCommit(ctx context.Context) {
	ctx, cancel := clock.WithTimeout(ctx, g.c.cfg.Clock, lastCommitTimeout)
	defer cancel()
	b := g.c.newBackoff()
	if g.topicSuspect.Load() && !g.revoked() && g.verifyTopicOnce(ctx) != nil {
		return
	}
	for !g.revoked() {
		err := g.commit(ctx, true, true)
		if err == nil || errors.Is(err, ErrNotOwner) || errors.Is(err, ErrUnknownTopic) {
			return
		}
		if g.c.cfg.Clock.Sleep(ctx, b.Next()) != nil {
			return
		}
	}
}

// revoked reports whether the partitions belong, or may belong, to another member. A drain
// that ran out of time has given up its handlers but still owns its partitions.
func (g *generation) revoked() bool {
	return g.owned.Err() != nil && !errors.Is(context.Cause(g.owned), errGenerationOver)
}

// commit stores the positions that have changed, or all of them. Once a second all are
// stored even if unchanged, to show that this member is alive. last: no call can start after
// it.
//
// A commit without an answer may still be in a socket. Stored after a newer one, it would
// lower the call high-water mark below calls that have started since, and a crash would
// repeat them. So no call relies on a commit after it: the generation ends, and the broker
// refuses commits of a former generation. Until then it may overwrite the commits of the
// drain. That is harmless: its own high-water mark covers every call.
func (g *generation) commit(ctx context.Context, all, last bool) error {
	started := g.c.cfg.Clock.Now()
	parts := g.opened()
	positions := make(map[int]Position, len(parts))
	called := make([]int64, len(parts))
	for i, p := range parts {
		low, metadata := p.tracker.position(last)
		metadata.TopicPartitions, metadata.LogID, metadata.Owners, called[i] = p.topicPartitions, p.logID, p.owners(started), metadata.Called
		at := Position{Offset: low, Metadata: metadata.Encode(low)}
		if all || at != p.committed() {
			positions[p.id] = at
		}
	}
	switch {
	case len(parts) == 0:
		return nil // nothing is owned: heartbeats are enough
	case len(positions) == 0:
		return g.commit(ctx, true, last) // a call waits for a newer proof of ownership
	}
	switch err := g.gen.Commit(ctx, positions); {
	case err == nil:
		for i, p := range parts {
			if at, ok := positions[p.id]; ok {
				p.stored.Store(&at)
				p.tracker.acknowledged(called[i])
				g.c.cfg.Listener.Committed(p.id, at.Offset)
			}
		}
		g.c.restartDone(g)
		g.commitNotice.Over("committing offsets: works again")
	case errors.Is(err, ErrNotOwner):
		g.revoke(err)
		return err
	case errors.Is(err, ErrUnknownTopic):
		g.topicSuspect.Store(true)
		return err // see verifyTopic
	default:
		if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %v", g.c.commitTimeout())
		}
		if !errors.Is(err, ErrCommitRefused) {
			g.stop(errUnanswered)
		}
		if g.owned.Err() == nil {
			g.c.stats.commitErrors.Add(1)
			g.commitNotice.Failed("committing offsets", err)
		}
		return err
	}
	g.prove(started)
	return nil
}
