package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"remux-retrier/internal/clock"
)

// commitLoop commits once a second, and at once when a call waits for its mark or
// soon would. It goes on through the drain, where it keeps the membership alive.
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
		// The end of the drain does not cut a commit off: it might then be stored
		// after the last one, and the next owner would ask for states in vain.
		one, cancel := clock.WithTimeout(g.owned, g.c.cfg.Clock, g.c.commitWithin())
		err := g.commit(one, tick, false)
		cancel()
		if errors.Is(err, ErrUnknownTopic) {
			err = g.confirmTopic(ctx)
		}
		if err != nil {
			_ = g.c.cfg.Clock.Sleep(ctx, b.Next())
			continue
		}
		b.Reset()
		g.commits.Wait(ctx, g.c.cfg.Clock, commitInterval)
	}
}

// lastCommit ends the generation: nothing is under way any more, so a partition
// of which no call is in doubt is marked clean. While commits fail, its patience
// is also what keeps one generation that they end from following the other.
func (g *generation) lastCommit(ctx context.Context) {
	ctx, cancel := clock.WithTimeout(ctx, g.c.cfg.Clock, lastCommitWithin)
	defer cancel()
	b := g.c.newBackoff()
	if g.suspect.Load() && !g.revoked() && g.lookAtLast(ctx) != nil {
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

// revoked: the partitions are, or may be, somebody else's. A drain that was cut
// short has given up its handlers, but not the partitions yet.
func (g *generation) revoked() bool {
	return g.owned.Err() != nil && !errors.Is(context.Cause(g.owned), errDrained)
}

// commit stores the positions that have changed, or all. All are stored once a
// second even if none has changed: it is the sign of life.
//
// One that is not answered may still sit in a socket. Stored after a newer one, it
// would lower the mark below calls that have begun since, and a crash would have
// them repeated. So no call relies on one after it: the generation ends, and the
// broker refuses a former generation's commits. Until then it may undo those of
// the drain, which does no harm: its own mark covers all that was called.
func (g *generation) commit(ctx context.Context, all, last bool) error {
	started := g.c.cfg.Clock.Now()
	parts := g.opened()
	positions := make(map[int]Position, len(parts))
	called := make([]int64, len(parts))
	for i, p := range parts {
		low, mark := p.tracker.position(last)
		mark.Of, mark.Log, mark.Owners, called[i] = p.of, p.name, p.owners(started), mark.Called
		at := Position{Offset: low, Metadata: mark.Encode(low)}
		if all || at != p.committed() {
			positions[p.id] = at
		}
	}
	switch {
	case len(parts) == 0:
		return nil // nothing is owned: the group's heartbeats suffice
	case len(positions) == 0:
		return g.commit(ctx, true, last)
	}
	switch err := g.gen.Commit(ctx, positions); {
	case err == nil:
		for i, p := range parts {
			if at, ok := positions[p.id]; ok {
				p.stored.Store(&at)
				p.tracker.acknowledged(called[i])
				g.c.cfg.Follower.Committed(p.id, at.Offset)
			}
		}
		g.c.restartDone(g)
		g.commitNotice.Over("committing offsets: works again")
	case errors.Is(err, ErrNotOwner):
		g.revoke(err)
		return err
	case errors.Is(err, ErrUnknownTopic):
		g.suspect.Store(true)
		return err // see confirmTopic
	default:
		if errors.Is(context.Cause(ctx), context.DeadlineExceeded) {
			err = fmt.Errorf("no answer within %v", g.c.commitWithin())
		}
		if !errors.Is(err, ErrRefused) {
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
