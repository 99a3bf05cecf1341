package consumer

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
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
	errUnanswered = errors.New("a commit was not answered, and might still be stored after a newer one")
	errStopping   = errors.New("this instance stops")
	errDrained    = errors.New("the generation has ended")
)

// generation is this member's share of the topic for a while.
//
// Its life: load, then read and commit until working ends, then drain, then one
// last commit.
type generation struct {
	*ownership
	c          *Consumer
	gen        Generation
	log        logrus.FieldLogger
	since      time.Time
	of         int              // how many partitions the topic has
	committed  map[int]Position // before this generation, by the whole group
	parts      []*partition     // ascending
	lookAhead  *lookAhead
	firstSight *firstSight
	publisher  *publisher
	large      *clock.Semaphore // see load
	work       clock.Group      // what works on records, and writes
	suspect    atomic.Bool      // see confirmTopic

	commitNotice, throttleNotice *notice.Notice
	throttled                    atomic.Int64 // when a fetch was throttled last, in Unix milliseconds
}

// serve works through one generation, until ctx ends and what is under way has
// ended too; end cuts that short. Everything of it has ended on return. An error
// means that it could not begin.
func (c *Consumer) serve(ctx, end context.Context, gen Generation, of int) error {
	g := &generation{
		ownership: newOwnership(ctx, end, c.cfg.Clock),
		c:         c, gen: gen, of: of, since: c.cfg.Clock.Now(),
		log: c.cfg.Logger.WithField("generation", gen.ID()),
	}
	g.commitNotice, g.throttleNotice = c.cfg.Unreachable.New(g.log), notice.New(g.log)
	defer g.revoke(errDrained)
	g.publisher, g.large = newPublisher(g), clock.NewSemaphore(c.cfg.Clock, 1)

	var loops, committing clock.Group
	loops.Go(c.cfg.Clock, g.watchGroup)
	if err := g.load(); err != nil {
		g.stop(err)
		loops.Wait(c.cfg.Clock)
		overWithGeneration(g.notices())
		return fmt.Errorf("generation %d ended before it began: %w", gen.ID(), err)
	}
	c.setPresent(g)
	defer c.setPresent(nil)
	c.absent.Store(false)
	c.broker.Over("Kafka answers again")
	overWithGeneration(c.former)
	defer func() { c.former = g.notices() }()
	g.log.WithField("partitions", gen.Assigned()).Info("partitions assigned")

	loops.Go(c.cfg.Clock, g.watchTopic)
	for _, p := range g.parts {
		loops.Go(c.cfg.Clock, p.read)
	}
	draining, drained := context.WithCancel(end)
	committing.Go(c.cfg.Clock, func() { g.commitLoop(draining) })

	_ = c.cfg.Clock.Wait(context.Background(), g.working.Done())
	why := context.Cause(g.working)
	if errors.Is(why, context.Canceled) {
		why = errStopping
	}
	g.log.WithField("reason", why).Info("generation ends: finishing the calls under way")
	loops.Wait(c.cfg.Clock)
	g.drain(ctx, end)
	drained()
	committing.Wait(c.cfg.Clock)
	c.cfg.Handler.Release()
	g.lastCommit(end)
	if err := context.Cause(g.working); errors.Is(err, ErrUnknownTopic) {
		return err // not to be tried again without a pause
	}
	return nil
}

// load reads what the group has committed, lets the follower catch up, and
// prepares the partitions. The group's heartbeats go on meanwhile.
func (g *generation) load() error {
	err := g.c.retry(g.working, g.commitNotice, "reading the committed offsets", func() (err error) {
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
	if err := g.c.cfg.Follower.Assigned(g.working, g.assignment()); err != nil {
		return err
	}
	g.lookAhead = newLookAhead(g.c.heldRecords(), heldBytes, max(1, len(assigned)))
	g.firstSight = newFirstSight(len(assigned))
	for _, id := range assigned {
		g.parts = append(g.parts, g.newPartition(id))
	}
	return nil
}

// overWithGeneration logs the end of conditions: if they still hold, they are said
// anew.
func overWithGeneration(notices []*notice.Notice) {
	for _, n := range notices {
		n.Over("over with its generation: " + n.Text())
	}
}

// notices are those that hold.
func (g *generation) notices() []*notice.Notice {
	all := []*notice.Notice{g.commitNotice, g.throttleNotice}
	for _, p := range g.parts {
		all = append(all, p.notice)
	}
	for _, q := range g.publisher.queues {
		all = append(all, q.notice)
	}
	return slices.DeleteFunc(all, func(n *notice.Notice) bool { return n.Text() == "" })
}

// opened lists the partitions that are being read.
func (g *generation) opened() []*partition {
	parts := make([]*partition, 0, len(g.parts))
	for _, p := range g.parts {
		if p.opened.Load() {
			parts = append(parts, p)
		}
	}
	return parts
}

// watchGroup ends the work when the group rebalances.
func (g *generation) watchGroup() {
	if g.c.cfg.Clock.Wait(g.working, g.gen.Ended()) == nil {
		g.stop(errRebalance)
	}
}

// watchTopic ends the generation when the topic has got more partitions: only a
// new one assigns them. It also keeps an eye on the ends of full partitions, and
// on the end of throttling.
func (g *generation) watchTopic() {
	for g.c.cfg.Clock.Sleep(g.working, watchInterval) == nil {
		n, err := g.c.cfg.Log.Partitions(g.working, g.c.cfg.Topic)
		if errors.Is(err, ErrUnknownTopic) && len(g.parts) == 0 {
			// The readers and the commits notice that, but a member that was assigned
			// nothing has none: it looks out for the new topic.
			g.of = 0
		}
		if err == nil && n != g.of {
			g.stop(fmt.Errorf("%w: %d, were %d", errPartitions, n, g.of))
		}
		for _, p := range g.parts {
			p.lookAtEnd()
		}
		if at := g.throttled.Load(); g.c.cfg.Clock.Now().UnixMilli()-at > throttledFor.Milliseconds() {
			g.throttleNotice.Over("Kafka's quota for this client no longer slows reading")
		}
	}
}

// throttledFor is how long reading counts as throttled after a throttled fetch.
const throttledFor = 30 * time.Second

// noteThrottle says once that the brokers hold this client back.
func (g *generation) noteThrottle() {
	g.throttled.Store(g.c.cfg.Clock.Now().UnixMilli())
	g.throttleNotice.Problem("a Kafka quota for this client or user (consumer_byte_rate or request_percentage) slows reading: the brokers hold fetches back; nothing is lost, raise the quota if the lag grows")
}

// drain waits for the work under way. What takes longer than the drain budget is
// given up: the group, or the one who stops us, would go on without us.
func (g *generation) drain(ctx, end context.Context) {
	within := g.c.cfg.Drain
	if ctx.Err() != nil {
		within = min(within, g.c.cfg.Shutdown-leaveWithin)
	}
	waiting, drained := context.WithCancel(end)
	var timer clock.Group
	timer.Go(g.c.cfg.Clock, func() {
		if g.c.cfg.Clock.Sleep(waiting, within) == nil {
			g.revoke(errDrained)
		}
	})
	g.work.Wait(g.c.cfg.Clock)
	drained()
	timer.Wait(g.c.cfg.Clock)
}

func (c *Consumer) setPresent(g *generation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.present = g
	if g != nil {
		c.stats.generations.Add(1)
	}
}
