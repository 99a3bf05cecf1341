package consumer

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A commit that is answered "unknown topic" proves little: a broker that has just
// become the coordinator may not know all topics yet. So the topic is looked at
// for some seconds before anything is done about it.
const (
	topicLook     = time.Second
	looksThatFind = 3 // so many in a row must find the committed topic
)

// confirmTopic waits until it is known what has become of the topic after such an
// answer, and commits nothing meanwhile: the broker would keep the old position
// for a new topic of that name. Nil means that the topic is the one that was
// committed. Otherwise it revokes the generation, and the next one reads the
// topic from its beginning.
func (g *generation) confirmTopic(ctx context.Context) error {
	found, begun := 0, g.c.cfg.Clock.Now()
	for {
		switch err := g.lookAtTopic(ctx); {
		case err == nil:
			if found++; found >= looksThatFind {
				g.suspect.Store(false)
				g.commitNotice.Over("the topic is there: a commit was answered as if it were not")
				return nil
			}
		case errors.Is(err, errTopicGone) && g.c.cfg.Clock.Now().Sub(begun) > topicGoneAfter, errors.Is(err, errOtherLog):
			return g.startOver(err)
		default:
			found = 0
			g.commitNotice.Failed("a commit was answered: unknown topic; looking at the topic", err)
		}
		if err := g.c.cfg.Clock.Sleep(ctx, topicLook); err != nil {
			return err
		}
	}
}

// lookAtLast is for a generation that ends before it is known: there is time for
// one look. Where it does not find the committed topic, nothing is committed.
func (g *generation) lookAtLast(ctx context.Context) error {
	err := g.lookAtTopic(ctx)
	if errors.Is(err, errTopicGone) || errors.Is(err, errOtherLog) {
		return g.startOver(err)
	}
	return err
}

func (g *generation) startOver(err error) error {
	g.log.Errorf("%v: starting over, so that nothing of a new topic is passed over", err)
	g.revoke(errTopicGone)
	g.restart(true, g.parts...)
	return err
}

// lookAtTopic fails unless the topic is there, as long as it was, and the group's
// positions for it too: a deleted topic takes them along, also where a new one
// of its name is there already.
func (g *generation) lookAtTopic(ctx context.Context) error {
	n, err := g.c.cfg.Log.Partitions(ctx, g.c.cfg.Topic)
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
	for _, p := range g.opened() {
		if p.id >= n {
			return fmt.Errorf("%w: it has %d partitions now", errOtherLog, n)
		}
		now, known := stored[p.id]
		if at := p.stored.Load(); at != nil && (!known || now.Offset < at.Offset) {
			return fmt.Errorf("%w: the group's position of partition %d is gone", errOtherLog, p.id)
		}
		_, next, err := g.c.cfg.Log.Bounds(ctx, g.c.cfg.Topic, p.id)
		switch {
		case errors.Is(err, ErrUnknownTopic):
			return errTopicGone
		case err != nil:
			return err
		case next < p.tracker.reached():
			return fmt.Errorf("%w: partition %d ends at %d", errOtherLog, p.id, next)
		}
	}
	return nil
}
