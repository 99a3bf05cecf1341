package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A commit that fails with "unknown topic" proves little: a broker that has just become the
// coordinator may not know all topics yet. So the topic is checked for some seconds before
// anything else is done.
const (
	topicCheckInterval = time.Second
	checksRequired     = 3 // successful checks in a row
)

// verifyTopic finds out, after an "unknown topic" error, whether the topic is still the committed one.
// It commits nothing meanwhile: the broker would keep the old position for a new topic of
// the same name. It returns nil if the topic is the committed one. If it is not, it revokes
// the generation, and the next one reads the topic from its beginning. If ctx ends before
// that is known, it returns ctx's error and revokes nothing.
func (g *generation) verifyTopic(ctx context.Context) error {
	found, begun := 0, g.c.cfg.Clock.Now()
	for {
		switch err := g.checkTopic(ctx); {
		case err == nil:
			if found++; found >= checksRequired {
				g.topicSuspect.Store(false)
				g.commitNotice.Over("the topic exists: the commit error was temporary")
				return nil
			}
		case errors.Is(err, errTopicGone) && g.c.cfg.Clock.Now().Sub(begun) > topicGoneAfter, errors.Is(err, errOtherLog):
			return g.startOver(err)
		default:
			found = 0
			g.commitNotice.Failed("a commit failed with unknown topic; checking the topic", err)
		}
		if err := g.c.cfg.Clock.Sleep(ctx, topicCheckInterval); err != nil {
			return err
		}
	}
}

// verifyTopicOnce is for a generation that ends before verifyTopic has a result. There is
// time for one check. If it does not find the committed topic, nothing is committed.
func (g *generation) verifyTopicOnce(ctx context.Context) error {
	err := g.checkTopic(ctx)
	if errors.Is(err, errTopicGone) || errors.Is(err, errOtherLog) {
		return g.startOver(err)
	}
	return err
}

func (g *generation) startOver(err error) error {
	g.log.Errorf("%v: starting over from the beginning of the topic", err)
	g.revoke(errTopicGone)
	g.restart(true, g.parts...)
	return err
}

// checkTopic fails unless the topic exists with at least its former length, and the group's
// positions still exist. Deleting a topic deletes its positions, even if a new topic of the
// same name already exists.
func (g *generation) checkTopic(ctx context.Context) error {
	n, err := g.c.cfg.Client.Partitions(ctx, g.c.cfg.Topic)
	switch {
	case errors.Is(err, ErrUnknownTopic):
		return errTopicGone
	case err != nil:
		return err
	}
	stored, err := g.gen.Committed(ctx)
	if err != nil {
		return err
	}
	opened := g.opened()
	for _, p := range opened {
		if p.id >= n {
			return fmt.Errorf("%w: it has only %d partitions", errOtherLog, n)
		}
		now, known := stored[p.id]
		if at := p.stored.Load(); at != nil && (!known || now.Offset < at.Offset) {
			return fmt.Errorf("%w: the group's position of partition %d is gone", errOtherLog, p.id)
		}
	}
	ends, err := g.c.cfg.Client.Ends(ctx, g.c.cfg.Topic, ids(opened))
	for i, p := range opened {
		if ends[i] >= 0 && ends[i] < p.tracker.reached() {
			return fmt.Errorf("%w: partition %d ends at %d", errOtherLog, p.id, ends[i])
		}
	}
	if errors.Is(err, ErrUnknownTopic) {
		return errTopicGone
	}
	return err
}
