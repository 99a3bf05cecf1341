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

// Client is what an instance needs from Kafka.
type Client interface {
	consumer.Client
	ledger.Client
}

// Parts are an Instance's dependencies. All are required except Metrics, Stories, Tracer
// and Assigned.
type Parts struct {
	Client Client
	API    retrier.API
	Gate   *pace.Gate
	// Clock and Rand are the only sources of time and randomness.
	Clock   clock.Clock
	Rand    func() float64
	Logger  *logrus.Logger
	Metrics *metrics.Metrics
	// Stories and Tracer are told what happens to each event.
	Stories *story.Store
	Tracer  *trace.Tracer
	// Assigned is called at every assignment.
	Assigned func(ctx context.Context)
}

// Instance is the service without its sockets: everything that decides, tracks and paces.
// The simulation runs it unchanged.
type Instance struct {
	parts    Parts
	consumer *consumer.Consumer
	retrier  *retrier.Retrier
	ledger   *ledger.Ledger
	tally    *notice.Tally
}

// NewGate returns the gate of an instance, for Parts.
func NewGate(cfg config.Config, c clock.Clock, log logrus.FieldLogger) (*pace.Gate, error) {
	return pace.New(pace.Config{
		PerWindow: orZero(cfg.MPC.RequestsPerMinute), Window: quotaWindow, MaxInFlight: cfg.MPC.MaxInFlight, Clock: c, Logger: log,
	})
}

// orZero is a limit with 0 for unlimited.
func orZero(l config.Limit) int {
	if l == config.Unlimited {
		return 0
	}
	return int(l)
}

// NewInstance connects the packages.
func NewInstance(cfg config.Config, p Parts) (*Instance, error) {
	i := &Instance{parts: p, tally: notice.NewTally(p.Clock, p.Logger)}
	k, origin, unreachable := cfg.Kafka, events.OriginOf(cfg.Kafka.GroupID), consumer.NewUnreachable(p.Logger)
	var err error
	if i.ledger, err = ledger.New(ledger.Config{
		Client: p.Client, OutcomeTopics: []string{k.TopicRetried, k.TopicRetryFailed}, RecoveredTopic: k.TopicRecovered, FailedTopic: k.TopicFailed, Origin: origin,
		Window: cfg.Retry.BudgetWindow, Clock: p.Clock, Rand: p.Rand, Logger: p.Logger, Unreachable: unreachable,
	}); err != nil {
		return nil, err
	}
	if i.retrier, err = retrier.New(retrier.Config{
		API: p.API, Gate: p.Gate, Ledger: i.ledger, MaxInFlight: cfg.MPC.MaxInFlight, MaxAttempts: cfg.Retry.MaxAttempts,
		Budget: orZero(cfg.Retry.Budget), MaxAge: cfg.Retry.MaxEventAge, SkipCodes: cfg.Retry.SkipCodes, Settle: cfg.MPC.Timeout, Origin: origin,
		Clock: p.Clock, Rand: p.Rand, Logger: p.Logger, Tally: i.tally,
	}); err != nil {
		return nil, err
	}
	i.consumer, err = consumer.New(consumer.Config{
		Client: p.Client,
		Handler: &handler{
			retrier: i.retrier, ledger: i.ledger, topics: k, metrics: p.Metrics, clock: p.Clock, log: p.Logger, tally: i.tally, mayForce: cfg.Retry.AllowForce,
			observe: observer{stories: p.Stories, tracer: p.Tracer, clock: p.Clock},
		},
		Topic: k.TopicFailed, Latest: k.StartOffset == config.Latest,
		SessionTimeout: k.SessionTimeout, Drain: drain(cfg), Shutdown: cfg.ShutdownTimeout - closing, MaxInFlight: cfg.MPC.MaxInFlight,
		Listener: listener{i},
		Clock:    p.Clock, Rand: p.Rand, Logger: p.Logger, Unreachable: unreachable,
	})
	return i, err
}

// Run works until the context ends, and then stops: no new call starts, calls in flight end
// and are published and committed, and the instance leaves the group.
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

// listener passes assignments and commits to the gate and the ledger.
type listener struct{ *Instance }

// Assigned gives the gate its share at once, although no call starts before the ledger has
// caught up: the first interval passes meanwhile.
func (l listener) Assigned(ctx context.Context, a consumer.Assignment) error {
	l.parts.Gate.Assign(pace.Assignment{Partitions: a.Partitions, TopicPartitions: a.TopicPartitions, Owners: a.Owners, Self: a.Self})
	if l.parts.Assigned != nil {
		l.parts.Assigned(ctx)
	}
	return l.ledger.CatchUp(ctx, a)
}

func (l listener) Opened(partition int, end, logID int64, continued bool) {
	l.ledger.Opened(partition, end, logID, continued)
}

func (l listener) Published(topic string, partition int, first int64, answered []*consumer.Record) {
	sources := make([]events.Source, len(answered))
	for i, r := range answered {
		sources[i] = events.Source{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Time: r.Time}
	}
	l.ledger.Published(topic, partition, first, sources...)
}

func (l listener) Committed(partition int, low int64) { l.ledger.Committed(partition, low) }
