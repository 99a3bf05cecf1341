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
	// skew is how far the clocks of brokers and instances may differ. Outcomes are read
	// that much further back and kept that much longer.
	skew = 10 * time.Minute
	// maxDecisions bounds the memory: about 340 MB, at most 500 MB, see doc.go.
	maxDecisions = 2_000_000
)

// Client is what the ledger needs from Kafka. Its methods return soon after their context
// is done and are safe for concurrent use.
type Client interface {
	// Partitions and Fetch are those of consumer.Client.
	Partitions(ctx context.Context, topic string) (int, error)
	Fetch(ctx context.Context, topic string, partition int, offset int64, maxBytes int) (consumer.Page, error)
	// Span returns where to read each of the partitions 0 to partitions-1. From is the
	// first offset with a record not older than since: the first offset if since is zero,
	// the end if no record is that young. To is the end of the committed records.
	Span(ctx context.Context, topic string, partitions int, since time.Time) ([]consumer.Interval, error)
}

// Config configures a Ledger. Every field except Unreachable and RecoveredTopic is required.
type Config struct {
	Client Client
	// OutcomeTopics are the topics of the outcomes, which are read back.
	OutcomeTopics []string
	// RecoveredTopic is the topic of recoveries, which are read back like the outcomes;
	// empty: there is none.
	RecoveredTopic string
	// FailedTopic has the events that the outcomes answer.
	FailedTopic string
	// Origin is the group's, from events.OriginOf. Answers of other groups are ignored.
	Origin string
	// Window is the retry budget's window.
	Window time.Duration
	Clock  clock.Clock
	// Rand returns a number in [0, 1), for the jitter of retries.
	Rand   func() float64
	Logger logrus.FieldLogger
	// Unreachable is the condition "brokers cannot be reached", see
	// consumer.NewUnreachable. Defaults to a new one.
	Unreachable *notice.Shared
}

// Ledger knows what the group has answered and decided. Its methods are safe for concurrent
// use.
//
// A reader of the topics holds reading, which guards topics and started; only the reader
// of a partition changes its sizer. mu guards the fields below it, and the known offsets of
// each partition. mu is taken after reading, and never held while waiting.
type Ledger struct {
	cfg     Config
	max     int // maximum number of decisions
	trouble *notice.Notice
	full    *notice.Notice

	reading *clock.Semaphore
	topics  []*topic
	started bool // false before the first assignment: nothing is read

	mu        sync.Mutex
	timeline  timeline
	decisions *decisions
	answered  map[int]*answered // by assigned partition
	own       own
	logs      logs
	results   *retryResults // nil without Config.RecoveredTopic
	status    Status
}

// Status is the state of a Ledger. Counts are since the start.
type Status struct {
	// CaughtUp: the ledger has read what the current assignment needs.
	CaughtUp bool
	// Reading: CatchUp is reading that.
	Reading bool
	// Problem is why the topics cannot be read; empty if they can.
	Problem string
	// Decisions is the number kept. Answered is the number of events known to be answered.
	Decisions, Answered int
	// Foreign counts records on the outcome topics that belong to another group or another
	// failed topic. Unreadable counts records that are not outcomes or have an unknown
	// format.
	Foreign, Unreadable int64
	// Recreated counts partitions, of the failed or an outcome topic, that were found to be
	// recreated.
	Recreated int64
	// Forgotten counts decisions dropped because there were too many. Missed counts outcome
	// records deleted by retention before they were read.
	Forgotten, Missed int64
}

// New returns an empty Ledger. It reads nothing before CatchUp.
func New(cfg Config) (*Ledger, error) {
	switch {
	case cfg.Client == nil, cfg.Clock == nil, cfg.Rand == nil, cfg.Logger == nil:
		return nil, errors.New("ledger: Client, Clock, Rand and Logger are required")
	case len(cfg.OutcomeTopics) == 0, cfg.FailedTopic == "", cfg.Origin == "", cfg.Window <= 0:
		return nil, errors.New("ledger: OutcomeTopics, FailedTopic, Origin and Window are required")
	}
	if cfg.Unreachable == nil {
		cfg.Unreachable = consumer.NewUnreachable(cfg.Logger)
	}
	l := &Ledger{
		cfg: cfg, max: maxDecisions, trouble: cfg.Unreachable.New(cfg.Logger), full: notice.New(cfg.Logger), reading: clock.NewSemaphore(cfg.Clock, 1),
		timeline: timeline{clock: cfg.Clock}, decisions: newDecisions(cfg.Window), answered: map[int]*answered{},
		own: newOwn(), logs: newLogs(),
	}
	for _, name := range cfg.OutcomeTopics {
		l.topics = append(l.topics, &topic{name: name})
	}
	if cfg.RecoveredTopic != "" {
		l.topics = append(l.topics, &topic{name: cfg.RecoveredTopic})
		l.results = newRetryResults()
		l.decisions.results = l.results
	}
	return l, nil
}

// Status returns the current state.
func (l *Ledger) Status() Status {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.status
	s.Problem = l.trouble.Text()
	s.Decisions = l.decisions.len()
	for _, a := range l.answered {
		s.Answered += len(a.times) + len(a.others)
	}
	return s
}
