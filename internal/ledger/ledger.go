package ledger

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/notice"
)

const (
	// skew is how far the clocks of brokers and instances may be apart: so much
	// further back is read, and so much longer is kept.
	skew = 10 * time.Minute
	// maxDecisions bounds the memory, to about 320 MB.
	maxDecisions = 2_000_000
)

// Log is what the ledger asks of Kafka. Its methods return soon after their
// context is done, and are safe for concurrent use.
type Log interface {
	// Partitions and Fetch are consumer.Log's.
	Partitions(ctx context.Context, topic string) (int, error)
	Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (consumer.Page, error)
	// Span tells for each of the partitions from 0 on where to read: From is the
	// first offset whose record is not older than since (zero: the first offset;
	// nothing that young: the end), To the end of what is committed.
	Span(ctx context.Context, topic string, partitions int, since time.Time) ([]consumer.Interval, error)
}

// Config of a Ledger. Every field but Unreachable is required.
type Config struct {
	Log Log
	// Topics are the outcome topics.
	Topics []string
	// Topic is the failed topic, whose events the outcomes answer.
	Topic string
	// Origin is the group's, as events.OriginOf gives it: other groups' answers
	// are not ours.
	Origin string
	// Window is the budget's.
	Window time.Duration
	Clock  clock.Clock
	// Rand returns a number in [0, 1); it spaces attempts.
	Rand   func() float64
	Logger logrus.FieldLogger
	// Unreachable says that brokers cannot be reached; see consumer.NewUnreachable.
	// Defaults to one of its own.
	Unreachable *notice.Shared
}

// Ledger is what the group has answered and decided. Its methods may be called
// from any goroutine.
//
// turn is held by who reads the topics, and guards topics and begun; the reader of a
// partition alone changes its sizer. mu guards everything below it and what is known
// of a partition's offsets. It is taken after turn, and never held over a wait.
type Ledger struct {
	cfg     Config
	max     int // decisions
	waiting *notice.Notice
	full    *notice.Notice

	turn   *clock.Semaphore
	topics []*topic
	begun  bool // to read: not before the first assignment

	mu        sync.Mutex
	timeline  timeline
	decisions *decisions
	answered  map[int]*answered // by assigned partition
	own       own
	logs      logs
	status    Status
}

// Status is what there is to tell. Counts are since the start.
type Status struct {
	// CaughtUp: the ledger has read what it must have read for the present
	// assignment.
	CaughtUp bool
	// Problem is why the topics cannot be read at present; empty if they can.
	Problem string
	// Decisions are those kept, Answered the events known to be answered.
	Decisions, Answered int
	// Foreign records on the outcome topics are other groups' or about another
	// topic's events. Unreadable ones are no outcomes, or of an unknown format.
	Foreign, Unreadable int64
	// Recreated counts partitions, of the failed or an outcome topic, that were
	// found to be others than before.
	Recreated int64
	// Forgotten decisions were too many to keep, Missed records on outcome topics
	// were deleted by retention before they were read.
	Forgotten, Missed int64
}

// New makes an empty Ledger. It reads nothing before CatchUp.
func New(cfg Config) (*Ledger, error) {
	switch {
	case cfg.Log == nil, cfg.Clock == nil, cfg.Rand == nil, cfg.Logger == nil:
		return nil, errors.New("ledger: Log, Clock, Rand and Logger are required")
	case len(cfg.Topics) == 0, cfg.Topic == "", cfg.Origin == "", cfg.Window <= 0:
		return nil, errors.New("ledger: Topics, Topic, Origin and Window are required")
	}
	if cfg.Unreachable == nil {
		cfg.Unreachable = consumer.NewUnreachable(cfg.Logger)
	}
	l := &Ledger{
		cfg: cfg, max: maxDecisions, waiting: cfg.Unreachable.New(cfg.Logger), full: notice.New(cfg.Logger), turn: clock.NewSemaphore(cfg.Clock, 1),
		timeline: timeline{clock: cfg.Clock}, decisions: newDecisions(cfg.Window), answered: map[int]*answered{},
		own: newOwn(), logs: newLogs(),
	}
	for _, name := range cfg.Topics {
		l.topics = append(l.topics, &topic{name: name})
	}
	return l, nil
}

// Status is safe at any time.
func (l *Ledger) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.status
	s.Problem = l.waiting.Text()
	s.Decisions = l.decisions.len()
	for _, a := range l.answered {
		s.Answered += len(a.times) + len(a.others)
	}
	return s
}
