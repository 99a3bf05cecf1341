package consumer

import (
	"context"
	"errors"

	"remux-retrier/internal/clock"
)

// commitLoop commits once a second, and at once when a call waits for its mark.
// It goes on through the drain, where it keeps the membership alive.
func (g *generation) commitLoop(ctx context.Context) {
	b := g.c.newBackoff()
	ticked := g.c.cfg.Clock.Now()
	for ctx.Err() == nil && g.owned.Err() == nil {
		if now := g.c.cfg.Clock.Now(); now.Sub(ticked) >= commitInterval {
			ticked = now
			for _, p := range g.part {
				p.tracker.tick()
			}
		}
		// The end of the drain does not cut a commit off: it might then reach the
		// broker after the last one, and undo it.
		one, cancel := clock.WithTimeout(g.owned, g.c.cfg.Clock, commitWithin)
		err := g.commit(one, false)
		cancel()
		if err != nil {
			_ = g.c.cfg.Clock.Sleep(ctx, b.Next())
			continue
		}
		b.Reset()
		g.commits.Wait(ctx, g.c.cfg.Clock, commitInterval)
	}
}

// lastCommit ends the generation: nothing is under way any more, so a partition
// of which no call is in doubt is marked clean.
func (g *generation) lastCommit(ctx context.Context) {
	if g.owned.Err() != nil {
		return
	}
	ctx, cancel := clock.WithTimeout(context.WithoutCancel(ctx), g.c.cfg.Clock, lastCommitWithin)
	defer cancel()
	b := g.c.newBackoff()
	for g.commit(ctx, true) != nil && g.owned.Err() == nil {
		if g.c.cfg.Clock.Sleep(ctx, b.Next()) != nil {
			return
		}
	}
}

// commit stores the positions that have changed; if none has, one of them, as a
// sign of life.
func (g *generation) commit(ctx context.Context, last bool) error {
	started := g.c.cfg.Clock.Now()
	positions := make(map[int]Position, len(g.part))
	marks := make(map[int]int64, len(g.part))
	for id, p := range g.part {
		low, mark := p.tracker.position(last)
		mark.Of = p.of
		at := Position{Offset: low, Metadata: mark.Encode(low)}
		if at != p.stored {
			positions[id], marks[id] = at, mark.Called
		}
	}
	if len(g.part) == 0 {
		return nil // nothing is owned: the group's heartbeats suffice
	}
	if len(positions) == 0 {
		id := g.gen.Assigned()[0]
		positions[id], marks[id] = g.part[id].stored, g.part[id].storedCalled
	}
	switch err := g.gen.Commit(ctx, positions); {
	case err == nil:
		for id, at := range positions {
			g.part[id].stored, g.part[id].storedCalled = at, marks[id]
			g.part[id].tracker.acknowledged(marks[id])
		}
		g.c.restartDone(g)
		g.commitNotice.Over("committing offsets: works again")
	case errors.Is(err, ErrNotOwner):
		g.lose(err)
		return err
	case errors.Is(err, ErrUnknownTopic):
		// Nothing may be committed for a topic that is gone: the broker would
		// keep the old position for a new topic of that name.
		g.lose(errTopicGone)
		g.c.restart(true, g.gen.Assigned()...)
		return err
	default:
		if g.owned.Err() == nil {
			g.c.stats.commitErrors.Add(1)
			g.commitNotice.Problem("committing offsets: " + err.Error())
		}
		return err
	}
	g.mu.Lock()
	g.alive = started
	close(g.acked)
	g.acked = make(chan struct{})
	g.mu.Unlock()
	return nil
}
