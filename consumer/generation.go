package consumer

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/clock"
	"remux-retrier/internal/notice"
)

// Why a generation ends.
var (
	errRebalance  = errors.New("the group rebalances, or no longer answers")
	errPartitions = errors.New("the topic's partitions have changed")
	errTopicGone  = errors.New("the topic was deleted")
	errOtherLog   = errors.New("the partition's log is another one than was committed")
	errDrained    = errors.New("the generation has ended")
)

// generation is this member's share of the topic for a while.
//
// Its life: load, then read and commit until working ends, then drain, then one
// last commit. working ends when no new work may begin; owned ends when nothing
// may be published any more, because somebody else may own the partitions.
type generation struct {
	c         *Consumer
	gen       Generation
	log       logrus.FieldLogger
	since     time.Time
	of        int              // how many partitions the topic has
	committed map[int]Position // before this generation, by the whole group
	part      map[int]*partition
	publisher *publisher
	handlers  sync.WaitGroup

	working context.Context
	stop    context.CancelCauseFunc
	owned   context.Context
	lose    context.CancelCauseFunc

	commits      clock.Alarm // ring: a commit is wanted now
	commitNotice *notice.Notice

	mu sync.Mutex
	// alive is when the last acknowledged commit was sent; acked is closed and
	// made anew at each acknowledgement.
	alive time.Time
	acked chan struct{}
}

// serve works through one generation, until ctx ends and what is under way has
// ended too; end cuts that short. Everything of it has ended on return. An error
// means that it could not begin.
func (c *Consumer) serve(ctx, end context.Context, gen Generation, of int) error {
	g := &generation{
		c: c, gen: gen, of: of, since: c.cfg.Clock.Now(), acked: make(chan struct{}),
		log: c.cfg.Logger.WithField("generation", gen.ID()),
	}
	g.commitNotice = notice.New(g.log)
	g.owned, g.lose = context.WithCancelCause(end)
	g.working, g.stop = context.WithCancelCause(ctx)
	context.AfterFunc(g.owned, func() { g.stop(context.Cause(g.owned)) })
	defer g.lose(errDrained)
	g.publisher = newPublisher(g)

	var loops sync.WaitGroup
	loops.Go(g.watchGroup)
	if err := g.load(); err != nil {
		g.stop(err)
		loops.Wait()
		return fmt.Errorf("generation %d ended before it began: %w", gen.ID(), err)
	}
	c.setPresent(g)
	defer c.setPresent(nil)
	c.broker.Over("Kafka answers again")
	g.log.WithField("partitions", gen.Assigned()).Info("partitions assigned")

	loops.Go(g.watchTopic)
	for _, p := range g.part {
		loops.Go(p.read)
	}
	draining, drained := context.WithCancel(end)
	var committing sync.WaitGroup
	committing.Go(func() { g.commitLoop(draining) })

	<-g.working.Done()
	g.log.WithField("reason", context.Cause(g.working)).Info("generation ends: finishing the calls under way")
	loops.Wait()
	g.drain(ctx, end)
	drained()
	committing.Wait()
	g.lastCommit(end)
	if err := context.Cause(g.working); errors.Is(err, ErrUnknownTopic) {
		return err // not to be tried again without a pause
	}
	return nil
}

// load reads what the group has committed and prepares the partitions.
func (g *generation) load() error {
	err := g.c.persist(g.working, g.commitNotice, "reading the committed offsets", func() (err error) {
		g.committed, err = g.gen.Committed(g.working)
		return err
	}, ErrNotOwner)
	if err != nil {
		return err
	}
	assigned := g.gen.Assigned()
	for _, id := range assigned {
		g.of = max(g.of, id+1) // the group's leader may know of partitions before we do
	}
	g.c.cfg.Assigned(assigned, g.of)
	g.part = make(map[int]*partition, len(assigned))
	for _, id := range assigned {
		g.part[id] = g.newPartition(id)
	}
	return nil
}

// opened lists the partitions that are being read.
func (g *generation) opened() []*partition {
	parts := make([]*partition, 0, len(g.part))
	for _, p := range g.part {
		if p.opened.Load() {
			parts = append(parts, p)
		}
	}
	return parts
}

// watchGroup ends the work when the group rebalances.
func (g *generation) watchGroup() {
	select {
	case <-g.gen.Ended():
		g.stop(errRebalance)
	case <-g.working.Done():
	}
}

// watchTopic ends the generation when the topic has got more partitions: only a
// new one assigns them. It also keeps an eye on the ends of full partitions.
func (g *generation) watchTopic() {
	for g.c.cfg.Clock.Sleep(g.working, watchInterval) == nil {
		n, err := g.c.cfg.Log.Partitions(g.working, g.c.cfg.Topic)
		if errors.Is(err, ErrUnknownTopic) && len(g.part) == 0 {
			// The readers and the commits notice that, but a member that was assigned
			// nothing has none: it looks out for the new topic.
			g.of = 0
		}
		if err == nil && n != g.of {
			g.stop(fmt.Errorf("%w: %d, were %d", errPartitions, n, g.of))
		}
		for _, p := range g.part {
			p.lookAtEnd()
		}
	}
}

// drain waits for the handlers. What takes longer than the drain budget is
// given up: the group, or the one who stops us, would go on without us.
func (g *generation) drain(ctx, end context.Context) {
	within := g.c.cfg.Drain
	if ctx.Err() != nil {
		within = min(within, g.c.cfg.Shutdown-leaveWithin)
	}
	budget, cancel := clock.WithTimeout(end, g.c.cfg.Clock, within)
	defer cancel()
	stop := context.AfterFunc(budget, func() { g.lose(errDrained) })
	defer stop()
	g.handlers.Wait()
}

// await waits until this member is known to own its partitions, because the last
// acknowledged commit is younger than within, and also holds.
func (g *generation) await(ctx context.Context, within time.Duration, also func() bool) error {
	for {
		g.mu.Lock()
		acked := g.acked
		g.mu.Unlock()
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if also() && g.fresh(within) {
			return nil
		}
		g.commits.Ring()
		select {
		case <-acked:
		case <-ctx.Done():
		}
	}
}

func (g *generation) fresh(within time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.alive.IsZero() && g.c.cfg.Clock.Now().Sub(g.alive) < within
}

func (c *Consumer) setPresent(g *generation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.present = g
	if g != nil {
		c.stats.generations.Add(1)
	}
}
