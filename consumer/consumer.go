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

// Handler decides what becomes of each record.
type Handler interface {
	// Receive takes a record on. It is called in the order of a partition's
	// offsets, and must not wait: the next record is held up meanwhile. The record
	// is answered with Delivery.Done or Delivery.Publish, now or later; what takes
	// time runs in Delivery.Go.
	//
	// Delivery.Context ends when no new work may begin; a call under way then
	// should be let end and be published.
	Receive(d *Delivery)
	// Release is called when a generation has ended and all that Delivery.Go began
	// has, too: what is not answered by then belongs to the next owner.
	Release()
}

// Config of a Consumer. Every field but Latest and Unreachable is required.
type Config struct {
	Log     Log
	Handler Handler
	Topic   string
	// Latest: a group that has committed nothing starts at the ends of the
	// partitions instead of their beginnings.
	Latest bool
	// SessionTimeout is the group's, see callWithin.
	SessionTimeout time.Duration
	// Drain is how long work under way may take when a generation ends. The group's
	// rebalance time-out must exceed it by RebalanceSlack.
	Drain time.Duration
	// Shutdown is how long all may take from the end of Run's context to its
	// return. It must exceed leaveWithin by the longest call.
	Shutdown time.Duration
	// MaxInFlight is how many calls the handler makes at once; the look-ahead is
	// sized by it.
	MaxInFlight int
	// Follower is told of the assignments and of what is committed.
	Follower Follower
	Clock    clock.Clock
	// Rand returns a number in [0, 1), for the jitter of backoffs.
	Rand   func() float64
	Logger logrus.FieldLogger
	// Unreachable says that brokers cannot be reached. Defaults to one of its own.
	Unreachable *notice.Shared
}

// RebalanceSlack is by how much the group's rebalance time-out exceeds a drain.
const RebalanceSlack = 10 * time.Second

// callWithin and publishWithin are how young the last acknowledged commit proves
// that the partitions are ours, for a call that is to begin, and for a message that
// is to be written. The session is not all that a member can overstay: in a
// rebalance the group goes on without one that is silent for the rebalance time-out,
// however long the session. Calls begin before a rebalance is noticed, so their
// commit is as old as it at most; a message may be written at the end of a drain,
// and its commit be as young as that, RebalanceSlack before the others go on.
func (c *Consumer) callWithin() time.Duration    { return min(c.cfg.SessionTimeout/2, c.cfg.Drain) }
func (c *Consumer) publishWithin() time.Duration { return min(c.cfg.SessionTimeout, RebalanceSlack) }

// commitWithin is how long a commit may go unanswered before the generation ends:
// as long as the session allows, for a broker may stand still for some seconds.
// What is left of the session is for joining again.
func (c *Consumer) commitWithin() time.Duration { return min(c.cfg.SessionTimeout*6/10, c.cfg.Drain) }

// Bounds of what one instance holds, over all its partitions: see lookAhead. The
// pages that are being handed out come on top.
const (
	heldBytes  = 16 << 20
	eventBytes = 700     // what holding an event costs beside its record's bytes, about
	pageBytes  = 1 << 20 // of one page, as stored
	pagesBytes = 4 << 20 // of one page of each partition
	leastPage  = 16 << 10
)

// heldRecords is enough to keep all calls busy, and few in memory.
func (c *Consumer) heldRecords() int { return max(2048, 4*c.cfg.MaxInFlight) }

// How often an owner shows a sign of life, looks for new partitions, and how
// long a topic may seem absent before that is believed: metadata flickers while
// leaders move.
const (
	commitInterval   = time.Second
	watchInterval    = 5 * time.Second
	topicGoneAfter   = 5 * time.Second
	lastCommitWithin = 3 * time.Second
	leaveWithin      = 2500 * time.Millisecond // the last commit and leaving, at a stop
)

// Consumer is one member of a consumer group.
type Consumer struct {
	cfg    Config
	name   string // of this process, see Mark.Owners
	stats  Stats
	broker *notice.Notice // brokers away, group not joined
	absent atomic.Bool    // the topic does not exist

	sighted atomic.Uint64 // see sightings

	// former are the notices that held at the last generation's end. They are over
	// when the next one begins: until then its brokers may still not be reached. Run's
	// goroutine alone uses it.
	former []*notice.Notice

	mu      sync.Mutex
	present *generation
	// stale holds committed positions of partitions whose log was found to be
	// another one since: while they stand, the partition is read from its
	// beginning. recreated: so is the whole topic, and Latest is over.
	stale     map[int]Position
	recreated bool
	// ownedSince is since when partitions are this process's without another owner in
	// between; what it has lost may be among them.
	ownedSince map[int]time.Time
}

// New makes a Consumer; Run makes it work.
func New(cfg Config) (*Consumer, error) {
	switch {
	case cfg.Log == nil, cfg.Handler == nil, cfg.Follower == nil, cfg.Clock == nil, cfg.Rand == nil, cfg.Logger == nil:
		return nil, errors.New("consumer: Log, Handler, Follower, Clock, Rand and Logger are required")
	case cfg.Topic == "" || cfg.SessionTimeout <= 0 || cfg.Drain <= 0 || cfg.Shutdown <= leaveWithin || cfg.MaxInFlight <= 0:
		return nil, errors.New("consumer: Topic, SessionTimeout, Drain, Shutdown and MaxInFlight are required")
	}
	if cfg.Unreachable == nil {
		cfg.Unreachable = NewUnreachable(cfg.Logger)
	}
	name := strconv.FormatInt(int64(cfg.Rand()*(1<<40)), 36)
	return &Consumer{cfg: cfg, name: name, broker: cfg.Unreachable.New(cfg.Logger), stale: map[int]Position{}, ownedSince: map[int]time.Time{}}, nil
}

// NewUnreachable makes what says once that brokers cannot be reached, for Config.
func NewUnreachable(log logrus.FieldLogger) *notice.Shared {
	return notice.NewShared(log, "a broker cannot be reached: ", "the brokers can be reached again")
}

// Run consumes until the context is done, then drains, commits and leaves the
// group. All it started has ended when it returns.
func (c *Consumer) Run(ctx context.Context) {
	b := c.newBackoff()
	end, cancel := c.endAfter(ctx)
	defer cancel()
	var gen Generation // the last, which join releases, or Leave
	for ctx.Err() == nil {
		next, of, err := c.join(ctx, gen)
		if err == nil {
			gen = next
			err = c.serve(ctx, end, gen, of)
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
	if err := c.cfg.Log.Leave(end); err != nil {
		c.cfg.Logger.WithError(err).Warn("left without telling the group: it will notice within the session time-out")
	}
}

// endAfter is a context that ends Shutdown after the given one.
func (c *Consumer) endAfter(ctx context.Context) (context.Context, context.CancelFunc) {
	end, cancel := context.WithCancelCause(context.WithoutCancel(ctx))
	var timer clock.Group
	timer.Go(c.cfg.Clock, func() {
		if c.cfg.Clock.Wait(end, ctx.Done()) == nil && c.cfg.Clock.Sleep(end, c.cfg.Shutdown) == nil {
			cancel(errors.New("the time to stop in is over"))
		}
	})
	return end, func() {
		cancel(context.Canceled)
		timer.Wait(c.cfg.Clock)
	}
}

// join releases the former generation, if there is one, and waits for the next.
// First it counts the topic's partitions: whoever is assigned before the topic
// exists gets nothing, and what is added later is assigned to nobody. The leader
// goes by how many it has shared out, which may have been before or after that.
func (c *Consumer) join(ctx context.Context, former Generation) (gen Generation, of int, err error) {
	if of, err = c.cfg.Log.Partitions(ctx, c.cfg.Topic); err != nil {
		return nil, 0, fmt.Errorf("topic %s: %w", c.cfg.Topic, err)
	}
	if former != nil {
		former.Release()
	}
	if gen, err = c.cfg.Log.Join(ctx); err != nil {
		return nil, 0, fmt.Errorf("joining the consumer group: %w", err)
	}
	if shared, leads := gen.Leads(); leads {
		of = shared
	}
	return gen, of, nil
}

func (c *Consumer) newBackoff() *backoff.Backoff {
	return &backoff.Backoff{Base: 100 * time.Millisecond, Max: time.Second, Rand: c.cfg.Rand}
}

// retry repeats an operation until it succeeds, the context is done, or it fails
// with one of the final errors, which time does not mend.
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
