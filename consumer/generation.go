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
	errRebalance      = errors.New("the group is rebalancing or does not answer")
	errPartitions     = errors.New("the topic's partition count has changed")
	errTopicGone      = errors.New("the topic was deleted")
	errOtherLog       = errors.New("the partition's log is not the one that was committed")
	errUnanswered     = errors.New("a commit got no answer and might still be stored after a newer one")
	errStopping       = errors.New("this instance is stopping")
	errGenerationOver = errors.New("the generation has ended")
)

// generation is one assignment of partitions to this member, from its start to its end:
// prepare, read and commit until working ends, drain, commit a last time.
type generation struct {
	*ownership
	c               *Consumer
	gen             Generation
	log             logrus.FieldLogger
	since           time.Time
	topicPartitions int              // the topic's partition count
	committed       map[int]Position // by the whole group, before this generation
	parts           []*partition     // ascending
	lookAhead       *lookAhead
	boundsBarrier   *boundsBarrier
	publisher       *publisher
	large           *clock.Semaphore // see load
	work            clock.Group      // work on records, and writes
	topicSuspect    atomic.Bool      // see verifyTopic

	commitNotice, throttleNotice *notice.Notice
	throttled                    atomic.Int64 // time of the last throttled fetch, Unix milliseconds
}

// serve runs one generation until the group rebalances or ctx ends, and finishes its work.
// end cuts that short. Everything it started has ended on return. An error means that the
// generation could not start, or that the topic is missing.
func (c *Consumer) serve(ctx, end context.Context, gen Generation, topicPartitions int) error {
	g := &generation{
		ownership: newOwnership(ctx, end, c.cfg.Clock),
		c:         c, gen: gen, topicPartitions: topicPartitions, since: c.cfg.Clock.Now(),
		log: c.cfg.Logger.WithField("generation", gen.ID()),
	}
	g.commitNotice, g.throttleNotice = c.cfg.Unreachable.New(g.log), notice.New(g.log)
	defer g.revoke(errGenerationOver)
	g.publisher, g.large = newPublisher(g), clock.NewSemaphore(c.cfg.Clock, 1)

	var loops, committing clock.Group
	loops.Go(c.cfg.Clock, func() {
		if c.cfg.Clock.Wait(g.working, g.gen.Ended()) == nil {
			g.stop(errRebalance)
		}
	})
	if err := g.prepare(); err != nil {
		g.stop(err)
		loops.Wait(c.cfg.Clock)
		// This generation's notices replace those of the former one before those end: the
		// same unreachable broker may be the cause of both.
		if still := g.notices(); len(still) > 0 {
			former := c.formerNotices
			c.formerNotices = still
			endNotices(former)
		}
		return fmt.Errorf("generation %d ended before it started: %w", gen.ID(), err)
	}
	c.setCurrent(g)
	defer c.setCurrent(nil)
	c.absent.Store(false)
	c.broker.Over("Kafka answers again")
	endNotices(c.formerNotices)
	defer func() { c.formerNotices = g.notices() }()
	g.log.WithField("partitions", gen.Assigned()).Info("partitions assigned")

	loops.Go(c.cfg.Clock, g.watchTopic)
	for _, p := range g.parts {
		loops.Go(c.cfg.Clock, p.read)
	}
	draining, stopCommits := context.WithCancel(end)
	committing.Go(c.cfg.Clock, func() { g.commitLoop(draining) })

	_ = c.cfg.Clock.Wait(context.Background(), g.working.Done())
	why := context.Cause(g.working)
	if errors.Is(why, context.Canceled) {
		why = errStopping
	}
	g.log.WithField("reason", why).Info("generation ends: finishing calls in flight")
	loops.Wait(c.cfg.Clock)
	g.drain(ctx, end)
	stopCommits()
	committing.Wait(c.cfg.Clock)
	c.cfg.Handler.Release()
	g.lastCommit(end)
	if err := context.Cause(g.working); errors.Is(err, ErrUnknownTopic) {
		return err // retried only after a pause
	}
	return nil
}

// prepare reads what the group has committed, lets the listener read the outcome topics,
// and creates the partitions. The group's heartbeats continue meanwhile.
func (g *generation) prepare() error {
	err := g.c.retry(g.working, g.commitNotice, "reading the committed offsets", func() (err error) {
		g.committed, err = g.gen.Committed(g.working)
		return err
	}, ErrNotOwner)
	if err != nil {
		return err
	}
	assigned := g.gen.Assigned()
	for _, id := range assigned {
		g.topicPartitions = max(g.topicPartitions, id+1) // the leader may know of partitions before we do
	}
	if err := g.c.cfg.Listener.Assigned(g.working, g.assignment()); err != nil {
		return err
	}
	g.lookAhead = newLookAhead(g.c.heldRecords(), heldBytes, max(1, len(assigned)))
	g.boundsBarrier = newBoundsBarrier(len(assigned))
	for _, id := range assigned {
		g.parts = append(g.parts, g.newPartition(id))
	}
	return nil
}

// endNotices logs that these conditions are over. Those that still hold are logged again by
// the next generation.
func endNotices(notices []*notice.Notice) {
	for _, n := range notices {
		n.Over("ended with its generation: " + n.Text())
	}
}

// notices returns the conditions that hold.
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

// opened returns the partitions that are being read.
func (g *generation) opened() []*partition {
	parts := make([]*partition, 0, len(g.parts))
	for _, p := range g.parts {
		if p.opened.Load() {
			parts = append(parts, p)
		}
	}
	return parts
}

// watchTopic ends the generation when the topic has more partitions: only a new generation
// assigns them. It also refreshes ends, and notices when throttling is over.
func (g *generation) watchTopic() {
	for g.c.cfg.Clock.Sleep(g.working, watchInterval) == nil {
		n, err := g.c.cfg.Client.Partitions(g.working, g.c.cfg.Topic)
		if errors.Is(err, ErrUnknownTopic) && len(g.parts) == 0 {
			// A member without partitions has no reader and no commit that would notice the
			// deletion. It waits for the new topic.
			g.topicPartitions = 0
		}
		if err == nil && n != g.topicPartitions {
			g.stop(fmt.Errorf("%w: %d, was %d", errPartitions, n, g.topicPartitions))
		}
		g.refreshEnds()
		if at := g.throttled.Load(); g.c.cfg.Clock.Now().UnixMilli()-at > throttledFor.Milliseconds() {
			g.throttleNotice.Over("Kafka no longer throttles this client's fetches")
		}
	}
}

// refreshEnds reads the ends of partitions whose full look-ahead stops fetching: the lag
// matters most then.
func (g *generation) refreshEnds() {
	full := slices.DeleteFunc(g.opened(), func(p *partition) bool { return !p.tracker.full() })
	if len(full) == 0 {
		return
	}
	ends, _ := g.c.cfg.Client.Ends(g.working, g.c.cfg.Topic, ids(full)) // next time, if it fails
	for i, end := range ends {
		if end >= 0 {
			full[i].observeEnd(end)
		}
	}
}

func ids(parts []*partition) []int {
	ids := make([]int, len(parts))
	for i, p := range parts {
		ids[i] = p.id
	}
	return ids
}

// throttledFor is how long reading counts as throttled after a throttled fetch.
const throttledFor = 30 * time.Second

// noteThrottle logs once that the brokers throttle this client.
func (g *generation) noteThrottle() {
	g.throttled.Store(g.c.cfg.Clock.Now().UnixMilli())
	g.throttleNotice.Problem("a Kafka quota for this client or user (consumer_byte_rate or request_percentage) throttles fetches: nothing is lost; raise the quota if the lag grows")
}

// drain waits for the work in flight, for at most the drain time. Then it gives up: the
// group, or the platform that stops this process, would not wait longer.
func (g *generation) drain(ctx, end context.Context) {
	within := g.c.cfg.Drain
	if ctx.Err() != nil {
		within = min(within, g.c.cfg.Shutdown-leaveTimeout)
	}
	waiting, stopTimer := context.WithCancel(end)
	var timer clock.Group
	timer.Go(g.c.cfg.Clock, func() {
		if g.c.cfg.Clock.Sleep(waiting, within) == nil {
			g.revoke(errGenerationOver)
		}
	})
	g.work.Wait(g.c.cfg.Clock)
	stopTimer()
	timer.Wait(g.c.cfg.Clock)
}

func (c *Consumer) setCurrent(g *generation) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.current = g
	if g != nil {
		c.stats.generations.Add(1)
	}
}
