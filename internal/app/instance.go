package app

import (
	"context"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/config"
	"remux-retrier/internal/ledger"
	"remux-retrier/internal/metrics"
	"remux-retrier/internal/notice"
	"remux-retrier/internal/pace"
	"remux-retrier/internal/retrier"
	"remux-retrier/internal/story"
	"remux-retrier/internal/trace"
)

// Log is what an instance asks of Kafka.
type Log interface {
	consumer.Log
	ledger.Log
}

// Parts are what an Instance takes from outside. All are required but Metrics,
// Stories and Tracer.
type Parts struct {
	Log  Log
	API  retrier.API
	Gate *pace.Gate
	// Clock, Rand: all the time and chance that there is.
	Clock   clock.Clock
	Rand    func() float64
	Logger  *logrus.Logger
	Metrics *metrics.Metrics
	// Stories and Tracer are told what happens to each event.
	Stories *story.Store
	Tracer  *trace.Tracer
	// Assigned is told of every assignment, beside the rooms.
	Assigned func(ctx context.Context)
}

// Instance is the service without its sockets: everything that decides, tracks
// and paces. The simulation runs it as it is.
type Instance struct {
	parts    Parts
	consumer *consumer.Consumer
	retrier  *retrier.Retrier
	ledger   *ledger.Ledger
	tally    *notice.Tally
}

// NewGate makes the gate of an instance, for Parts.
func NewGate(cfg config.Config, c clock.Clock, log logrus.FieldLogger) (*pace.Gate, error) {
	return pace.New(pace.Config{
		PerWindow: orZero(cfg.MPC.RequestsPerMinute), Window: quotaWindow, MaxInFlight: cfg.MPC.MaxInFlight, Clock: c, Logger: log,
	})
}

// orZero is a limit with 0 for none.
func orZero(l config.Limit) int {
	if l == config.Unlimited {
		return 0
	}
	return int(l)
}

// NewInstance wires the rooms.
func NewInstance(cfg config.Config, p Parts) (*Instance, error) {
	i := &Instance{parts: p, tally: notice.NewTally(p.Clock, p.Logger)}
	k, origin, unreachable := cfg.Kafka, events.OriginOf(cfg.Kafka.GroupID), consumer.NewUnreachable(p.Logger)
	var err error
	if i.ledger, err = ledger.New(ledger.Config{
		Log: p.Log, Topics: []string{k.TopicRetried, k.TopicRetryFailed}, Topic: k.TopicFailed, Origin: origin,
		Window: cfg.Retry.BudgetWindow, Clock: p.Clock, Rand: p.Rand, Logger: p.Logger, Unreachable: unreachable,
	}); err != nil {
		return nil, err
	}
	if i.retrier, err = retrier.New(retrier.Config{
		API: p.API, Gate: p.Gate, Ledger: i.ledger, MaxInFlight: cfg.MPC.MaxInFlight, MaxAttempts: cfg.Retry.MaxAttempts,
		Budget: orZero(cfg.Retry.Budget), MaxAge: cfg.Retry.MaxEventAge, SkipCodes: cfg.Retry.SkipCodes, Settle: cfg.MPC.Timeout, Origin: origin,
		Clock: p.Clock, Rand: p.Rand, Logger: p.Logger,
	}); err != nil {
		return nil, err
	}
	i.consumer, err = consumer.New(consumer.Config{
		Log: p.Log,
		Handler: &path{
			retrier: i.retrier, ledger: i.ledger, topics: k, metrics: p.Metrics, clock: p.Clock, log: p.Logger, tally: i.tally, mayForce: cfg.Retry.AllowForce,
			observe: observer{stories: p.Stories, tracer: p.Tracer, clock: p.Clock},
		},
		Topic: k.TopicFailed, Latest: k.StartOffset == config.Latest,
		SessionTimeout: k.SessionTimeout, Drain: drain(cfg), Shutdown: cfg.ShutdownTimeout - closing, MaxInFlight: cfg.MPC.MaxInFlight,
		Follower: follower{i},
		Clock:    p.Clock, Rand: p.Rand, Logger: p.Logger, Unreachable: unreachable,
	})
	return i, err
}

// Run works until the context ends, and then stops: no new calls, those under
// way end, are published and committed, the group is left.
func (i *Instance) Run(ctx context.Context) {
	beside, ended := context.WithCancel(context.WithoutCancel(ctx))
	var running clock.Group
	running.Go(i.parts.Clock, func() { i.retrier.Run(beside) })
	running.Go(i.parts.Clock, func() { i.ledger.Run(beside) })
	running.Go(i.parts.Clock, func() { i.tally.Run(beside) })
	i.consumer.Run(ctx)
	ended()
	running.Wait(i.parts.Clock)
}

// follower tells the rooms of the partitions' fate.
type follower struct{ *Instance }

// Assigned gives the gate its share at once, though no call begins before the
// ledger has caught up: the first interval passes meanwhile.
func (f follower) Assigned(ctx context.Context, a consumer.Assignment) error {
	f.parts.Gate.Assign(pace.Assignment{Partitions: a.Partitions, Of: a.Of, Owners: a.Owners, Self: a.Self})
	if f.parts.Assigned != nil {
		f.parts.Assigned(ctx)
	}
	return f.ledger.CatchUp(ctx, a)
}

func (f follower) Opened(partition int, end, log int64, continued bool) {
	f.ledger.Opened(partition, end, log, continued)
}

func (f follower) Published(topic string, partition int, first int64, answered []*consumer.Record) {
	sources := make([]events.Source, len(answered))
	for i, r := range answered {
		sources[i] = events.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Time: r.Time}
	}
	f.ledger.Published(topic, partition, first, first+int64(len(answered)), sources...)
}

func (f follower) Committed(partition int, low int64) { f.ledger.Committed(partition, low) }
