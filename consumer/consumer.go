package consumer

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/internal/backoff"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/notice"
)

// Handler decides what happens to each record.
type Handler interface {
	// Receive takes a record, in the order of its partition's offsets. It must not block:
	// the next record waits meanwhile. The record is answered with Delivery.Done or
	// Delivery.Publish, now or later; slow work runs in Delivery.Go.
	//
	// When Delivery.Context ends, no new work may begin. Calls in flight should finish and
	// be published.
	Receive(d *Delivery)
	// Release is called when a generation and all work of its Delivery.Go have ended.
	// Records that are unanswered then belong to the next owner.
	Release()
}

// Config configures a Consumer. Every field except Latest and Unreachable is required.
type Config struct {
	Client  Client
	Handler Handler
	Topic   string
	// Latest makes a group without commits start at the end of each partition instead of
	// its beginning (auto.offset.reset=latest).
	Latest bool
	// SessionTimeout is the group's session timeout, see callMaxAge.
	SessionTimeout time.Duration
	// Drain is how long work in flight may take when a generation ends. The group's
	// rebalance timeout must exceed it by RebalanceSlack.
	Drain time.Duration
	// Shutdown is the time from the end of Run's context to its return. It must exceed
	// leaveTimeout by the longest call.
	Shutdown time.Duration
	// MaxInFlight is how many calls the handler makes at once. The size of the look-ahead
	// depends on it.
	MaxInFlight int
	// Listener is told about assignments and commits.
	Listener RebalanceListener
	Clock    clock.Clock
	// Rand returns a number in [0, 1), for the jitter of backoffs.
	Rand   func() float64
	Logger logrus.FieldLogger
	// Unreachable is the condition "brokers cannot be reached", which several packages
	// share. Defaults to a new one.
	Unreachable *notice.Shared
}

// RebalanceSlack is how much longer the group's rebalance timeout is than a drain.
const RebalanceSlack = 10 * time.Second

// callMaxAge and publishMaxAge bound the age of the last acknowledged commit, which proves
// that the partitions are ours: callMaxAge when a call starts, publishMaxAge when a message
// is written. The session timeout is not the only limit. In a rebalance the group goes on
// without a member that is silent for the rebalance timeout, however long the session.
// Calls start before a rebalance is noticed, so their commit may be as old as a drain. A
// message may be written at the end of a drain, RebalanceSlack before the others go on.
func (c *Consumer) callMaxAge() time.Duration    { return min(c.cfg.SessionTimeout/2, c.cfg.Drain) }
func (c *Consumer) publishMaxAge() time.Duration { return min(c.cfg.SessionTimeout, RebalanceSlack) }

// commitTimeout is how long a commit may go unanswered before the generation ends. It uses
// most of the session timeout, because a broker may stall for some seconds; the rest is for
// joining again.
func (c *Consumer) commitTimeout() time.Duration { return min(c.cfg.SessionTimeout*6/10, c.cfg.Drain) }

// Bounds of what one instance holds in memory, over all its partitions; see lookAhead.
// Pages that are being handed out come on top.
const (
	heldBytes  = 16 << 20
	eventBytes = 700      // bytes per event besides its record, about
	pageBytes  = 1 << 20  // of one page, as stored
	pagesBytes = 4 << 20  // of one page of each partition, in total
	leastPage  = 16 << 10 // what a page may always have, however many partitions there are
)

// heldRecords is large enough to keep all calls busy and small enough for memory.
func (c *Consumer) heldRecords() int { return max(2048, 4*c.cfg.MaxInFlight) }

// commitInterval is how often an owner commits, and so shows that it is alive.
// watchInterval is how often it looks for new partitions. topicGoneAfter is how long a
// topic must be missing before it counts as deleted: metadata is unreliable while leaders
// move.
const (
	commitInterval    = time.Second
	watchInterval     = 5 * time.Second
	topicGoneAfter    = 5 * time.Second
	lastCommitTimeout = 3 * time.Second         // of all attempts at a generation's last commit
	leaveTimeout      = 2500 * time.Millisecond // the last commit and leaving, at shutdown
)

// Consumer is one member of a consumer group.
type Consumer struct {
	cfg    Config
	name   string // of this process, see CommitMetadata.Owners
	stats  stats
	broker *notice.Notice // brokers unreachable, group not joined
	absent atomic.Bool    // the topic does not exist

	lastObservation atomic.Uint64 // see observations

	// formerNotices held when the last generation ended. They end when the next generation
	// begins: until then the brokers may still be unreachable. Only Run's goroutine uses
	// them.
	formerNotices []*notice.Notice

	mu      sync.Mutex
	current *generation
	// stale holds committed positions of partitions whose log was found to be a different
	// one. While such a position is the committed one, its partition is read from the
	// beginning. recreated: the whole topic was recreated, so Latest does not apply.
	stale     map[int]Position
	recreated bool
	// ownedSince tells since when this process has owned a partition without another owner
	// in between. It may still list partitions that have another owner by now.
	ownedSince map[int]time.Time
}

// New creates a Consumer. Call Run to start it.
func New(cfg Config) (*Consumer, error) {
	switch {
	case cfg.Client == nil, cfg.Handler == nil, cfg.Listener == nil, cfg.Clock == nil, cfg.Rand == nil, cfg.Logger == nil:
		return nil, errors.New("consumer: Client, Handler, Listener, Clock, Rand and Logger are required")
	case cfg.Topic == "" || cfg.SessionTimeout <= 0 || cfg.Drain <= 0 || cfg.Shutdown <= leaveTimeout || cfg.MaxInFlight <= 0:
		return nil, errors.New("consumer: Topic, SessionTimeout, Drain, Shutdown and MaxInFlight are required")
	}
	if cfg.Unreachable == nil {
		cfg.Unreachable = NewUnreachable(cfg.Logger)
	}
	name := strconv.FormatInt(int64(cfg.Rand()*(1<<40)), 36)
	return &Consumer{cfg: cfg, name: name, broker: cfg.Unreachable.New(cfg.Logger), stale: map[int]Position{}, ownedSince: map[int]time.Time{}}, nil
}

// NewUnreachable returns a value for Config.Unreachable. It logs once that brokers cannot
// be reached.
func NewUnreachable(log logrus.FieldLogger) *notice.Shared {
	return notice.NewShared(log, "a broker cannot be reached: ", "the brokers can be reached again")
}

// Run consumes until the context is done, then drains, commits and leaves the group.
// Everything it started has ended when it returns.
func (c *Consumer) Run(ctx context.Context) {
	b := c.newBackoff()
	end, cancel := c.endAfter(ctx)
	defer cancel()
	var gen Generation // the last one; released by join or by Leave
	for ctx.Err() == nil {
		next, topicPartitions, err := c.join(ctx, gen)
		if err == nil {
			gen = next
			err = c.serve(ctx, end, gen, topicPartitions)
		}
		if ctx.Err() != nil {
			break
		}
		if err == nil {
			b.Reset()
			continue
		}
		c.absent.Store(errors.Is(err, ErrUnknownTopic))
		c.broker.Failed("waiting for Kafka", err)
		_ = c.cfg.Clock.Sleep(ctx, b.Next())
	}
	if err := c.cfg.Client.Leave(end); err != nil {
		c.cfg.Logger.WithError(err).Warn("could not leave the consumer group: the broker notices after the session timeout")
	}
}

// endAfter returns a context that ends Shutdown after ctx.
func (c *Consumer) endAfter(ctx context.Context) (context.Context, context.CancelFunc) {
	end, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	var timer clock.Group
	timer.Go(c.cfg.Clock, func() {
		if c.cfg.Clock.Wait(end, ctx.Done()) == nil && c.cfg.Clock.Sleep(end, c.cfg.Shutdown) == nil {
			cancel(errors.New("the shutdown timeout is over"))
		}
	})
	return end, func() {
		cancel(context.Canceled)
		timer.Wait(c.cfg.Clock)
	}
}

// join releases the former generation, if any, and waits for the next. It counts the
// topic's partitions first: a member assigned before the topic exists gets none, and
// partitions added later are not assigned until the next rebalance. The leader uses the
// count it assigned instead, which may be older or newer.
func (c *Consumer) join(ctx context.Context, former Generation) (gen Generation, topicPartitions int, err error) {
	if topicPartitions, err = c.cfg.Client.Partitions(ctx, c.cfg.Topic); err != nil {
		return nil, 0, fmt.Errorf("topic %s: %w", c.cfg.Topic, err)
	}
	if former != nil {
		former.Release()
	}
	if gen, err = c.cfg.Client.Join(ctx); err != nil {
		return nil, 0, fmt.Errorf("joining the consumer group: %w", err)
	}
	if shared, leads := gen.Leads(); leads {
		topicPartitions = shared
	}
	return gen, topicPartitions, nil
}

func (c *Consumer) newBackoff() *backoff.Backoff {
	return &backoff.Backoff{Base: 100 * time.Millisecond, Max: time.Second, Rand: c.cfg.Rand}
}

// retry repeats an operation until it succeeds, the context is done, or it fails with one
// of the final errors, which retrying cannot fix.
func (c *Consumer) retry(ctx context.Context, n *notice.Notice, doing string, op func() error, final ...error) error {
	b := c.newBackoff()
	for {
		err := op()
		if err == nil {
			n.Over(doing + ": works again")
			return nil
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, f := range final {
			if errors.Is(err, f) {
				return err
			}
		}
		n.Failed(doing, err)
		if err := c.cfg.Clock.Sleep(ctx, b.Next()); err != nil {
			return err
		}
	}
}
