package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/notice"
)

const (
	// skew is how far the clocks of brokers and instances may be apart: so much
	// further back is read, and so much longer is kept.
	skew = 10 * time.Minute
	// maxDecisions bounds the memory, to about 360 MB.
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

// Config of a Ledger. Every field is required.
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
}

// Ledger is what the group has answered and decided. Its methods may be called
// from any goroutine.
//
// turn is whose turn it is to read the topics: it guards topics and begun, of
// which a reader that its holder has started changes only its partition's
// position. mu guards everything below it, is taken after turn, and is never held
// over a wait.
type Ledger struct {
	cfg     Config
	max     int // decisions
	waiting *notice.Notice
	full    *notice.Notice

	turn   *clock.Semaphore
	topics []*topic
	begun  bool // to read: not before the first assignment

	mu        sync.Mutex
	decisions decisions
	answered  map[int]*answered // by assigned partition
	// forgotten are the covers of a partition that hold no longer: those of the
	// decisions numbered below.
	forgotten map[int]int64
	// covered is the highest end of a cover, by the partition's log.
	covered map[logOf]int64
	// logs names the logs of the assigned partitions: covers of others do not hold.
	// Where an operator has set the offset the name is lost: then all do.
	logs   map[int]int64
	status Status
}

// logOf is a partition of the failed topic with its log's name.
type logOf struct {
	partition int
	name      int64
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
	// topic's events, Unreadable ones nobody's or of an unknown format.
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
	l := &Ledger{
		cfg: cfg, max: maxDecisions, waiting: notice.New(cfg.Logger), full: notice.New(cfg.Logger), turn: clock.NewSemaphore(cfg.Clock, 1),
		decisions: newDecisions(), answered: map[int]*answered{}, forgotten: map[int]int64{}, covered: map[logOf]int64{}, logs: map[int]int64{},
	}
	for _, name := range cfg.Topics {
		l.topics = append(l.topics, &topic{name: name})
	}
	return l, nil
}

// Answered tells whether the event has an outcome. The timestamp must match: the
// offsets of a topic that was deleted and created anew begin at 0 again.
func (l *Ledger) Answered(event events.Source) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.answered[event.Partition]
	if a == nil {
		return false
	}
	yes, another := a.has(event)
	if another && !a.precedes(event.Offset, l.logs[event.Partition]) {
		l.recreated(event.Partition, a, fmt.Sprintf("the outcome for offset %d is another event's", event.Offset))
	}
	return yes
}

// Opened takes note that an assigned partition is about to be read, which ends at
// end. Where it is not continued from a committed offset, or ends before what is
// known of it, it is not the partition that past covers spoke of. Of a log with a
// name, only covers tell that: to which of several an answer belongs is not known.
func (l *Ledger) Opened(partition int, end, log int64, continued bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.logs[partition] = log
	a := l.answered[partition]
	switch {
	case a == nil:
	case l.covered[logOf{partition, log}] > end || log == 0 && (l.coveredOf(partition) > end || a.beyond(end)):
		l.recreated(partition, a, fmt.Sprintf("it ends at %d, before events that were answered", end))
	case !continued:
		l.forgetCovers(partition)
	}
}

// Committed lets go of what is answered below low.
func (l *Ledger) Committed(partition int, low int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if a := l.answered[partition]; a != nil {
		a.raise(low)
	}
}

// recreated says once in an assignment what was noticed of a partition of the
// failed topic. mu is held.
func (l *Ledger) recreated(partition int, a *answered, why string) {
	if a.recreated {
		return
	}
	a.recreated = true
	l.status.Recreated++
	l.forgetCovers(partition)
	l.cfg.Logger.Warnf("%s/%d is not the partition that it was, the topic was deleted and created again: %s. Retries before that cover none of its events", l.cfg.Topic, partition, why)
}

// coveredOf is the highest end of a cover of any of the partition's logs.
func (l *Ledger) coveredOf(partition int) (end int64) {
	for at, e := range l.covered {
		if at.partition == partition {
			end = max(end, e)
		}
	}
	return end
}

func (l *Ledger) forgetCovers(partition int) {
	l.forgotten[partition] = l.decisions.next
	maps.DeleteFunc(l.covered, func(at logOf, _ int64) bool { return at.partition == partition })
}

// Covering finds the decision whose call, or state query, answers the event too,
// because the event stood in its log when that was sent. The decision about the
// event itself, which was never published, comes first, its Source being event;
// then an accepted retry; then the latest. Of the outcome there are Reason,
// Attempts, AcceptedRetry, Source, Covers and DecidedAt.
func (l *Ledger) Covering(taskID string, event events.Source) (events.Outcome, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var best *decision
	for number, d := range l.decisions.of(taskID) {
		if d.answers(event) {
			o := d.outcome(l.cfg.Topic)
			o.Source = event
			return o, true
		}
		if number >= l.forgotten[event.Partition] && d.covering(event, l.logs[event.Partition]) && (best == nil || d.settled() && !best.settled()) {
			best = d
		}
	}
	if best == nil {
		return events.Outcome{}, false
	}
	return best.outcome(l.cfg.Topic), true
}

// covering: the event stood in the log when the decision's call was sent.
func (d *decision) covering(event events.Source, log int64) bool {
	for _, c := range d.covers {
		if c.Partition == event.Partition && (log == 0 || c.Log == log) && event.Offset < c.End {
			return true
		}
	}
	return false
}

// settled: its call was an accepted retry.
func (d *decision) settled() bool { return d.counts && d.attempts > 0 }

// Retries counts the task's accepted retries within the window up to now.
func (l *Ledger) Retries(taskID string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	since := l.cfg.Clock.Now().Add(-l.cfg.Window).UnixMilli()
	for _, d := range l.decisions.of(taskID) {
		if d.counts && d.at > since {
			n++
		}
	}
	return n
}

// Decided takes note of a decision of ours, before it is published.
func (l *Ledger) Decided(o events.Outcome) { l.keep(o) }

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

// Published takes note that the outcomes at these offsets are our own.
func (l *Ledger) Published(string, int, int64, int64) {}
