package app

import (
	"context"
	"errors"
	"math"
	"sync"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer/kafkalog"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/config"
	"remux-retrier/internal/history"
	"remux-retrier/internal/metrics"
	"remux-retrier/internal/pace"
	"remux-retrier/internal/page"
	"remux-retrier/internal/plain"
	"remux-retrier/internal/retrier"
	"remux-retrier/internal/story"
	"remux-retrier/mpcclient"
)

// pageSource is the page.Source of the operator's page, from the state of all packages.
type pageSource struct {
	*story.Store

	cfg     config.Config
	version string
	started time.Time
	ready   *readiness
	gate    *pace.Gate
	meters  *metrics.Metrics
	lastErr *lastError
	kafka   *kafkalog.Client
	reader  *history.Reader
}

// newPage returns the operator's page.
func newPage(o pageSource, log logrus.FieldLogger) (*page.Page, error) {
	k := o.cfg.Kafka
	var err error
	if o.reader, err = history.New(history.Config{
		Kafka: o.kafka, Failed: k.TopicFailed, Retried: k.TopicRetried, RetryFailed: k.TopicRetryFailed, DeadLetter: k.TopicDeadLetter, Recovered: k.TopicRecovered,
		Positions: o.kafka.Positions, Origin: events.OriginOf(k.GroupID), Window: o.cfg.Retry.BudgetWindow, Now: clock.System.Now,
		Refused: kafkalog.NeedsOperator,
	}); err != nil {
		return nil, err
	}
	return page.New(page.Config{Source: o, Clock: clock.System, Logger: log})
}

func (o pageSource) Totals() (metrics.Totals, error) { return o.meters.Totals() }

func (o pageSource) Stories(taskID string) []story.Story { return o.Task(taskID) }

func (o pageSource) Topics(ctx context.Context, taskID string) (history.History, error) {
	return o.reader.Task(ctx, taskID)
}

func (o pageSource) Home(ctx context.Context, taskID string) (int, error) {
	return o.kafka.PartitionFor(ctx, o.cfg.Kafka.TopicFailed, []byte(taskID))
}

func (o pageSource) Owner(ctx context.Context, partition int) (string, error) {
	return o.kafka.Owner(ctx, partition)
}

func (o pageSource) Instances(ctx context.Context) ([]page.Instance, error) {
	members, err := o.kafka.Members(ctx)
	all := make([]page.Instance, 0, len(members))
	for _, m := range members {
		all = append(all, page.Instance{Instance: m.ClientID, Partitions: m.Partitions, Here: m.ClientID == o.cfg.Kafka.ClientID})
	}
	return all, err
}

// Status combines the state of all packages, read at about the same time.
func (o pageSource) Status() page.Status {
	s := page.Status{
		Instance: o.cfg.Kafka.ClientID, Group: o.cfg.Kafka.GroupID, Topic: o.cfg.Kafka.TopicFailed,
		Version: o.version, StartedAt: o.started,
		Checks: []page.Check{}, Notes: append([]string{}, o.ready.notes()...),
		MPC: o.mpc(), Partitions: []page.Partition{},
	}
	for _, check := range o.ready.checks() {
		ok, detail := check.Func()
		s.Checks = append(s.Checks, page.Check{Name: check.Name, OK: ok, Detail: detail})
	}
	s.Kafka.Problem = o.ready.startUp.waiting.Text()
	if i := o.ready.instance.Load(); i != nil {
		o.work(&s, i)
	}
	return s
}

// work adds the state of a started instance.
func (o pageSource) work(s *page.Status, i *Instance) {
	c, l := i.consumer.Status(), i.ledger.Status()
	// While the ledger is read, the member has partitions, but its work has not begun.
	joined := c.Joined || l.Reading
	s.Kafka = page.Kafka{Started: true, Problem: c.Problem, Joined: joined, Generation: c.Generation, LedgerRead: l.CaughtUp}
	s.Kafka.Absent = absentTopics(c, l, o.cfg.Kafka)
	for _, m := range c.Stuck {
		s.Kafka.Stuck = append(s.Kafka.Stuck, m.Problem)
		s.Kafka.StuckMessages = append(s.Kafka.StuckMessages, page.StuckMessage{Topic: m.Topic, Bytes: m.Bytes, TooLarge: m.TooLarge})
	}
	if s.Kafka.Problem == "" && !l.CaughtUp {
		s.Kafka.Problem = l.Problem
	}
	for _, h := range i.ledger.Hours() {
		recent, notHeardOf := h.WithoutResult(clock.System.Now())
		s.Retries = append(s.Retries, page.RetriesOfHour{From: h.From, Accepted: h.Retries, Recovered: h.Recovered, FailedAgain: h.FailedAgain, Recent: recent, NotHeardOf: notHeardOf})
	}
	w := i.retrier.Waiting()
	s.Flow = page.Flow{LagKnown: true, InFlight: o.gate.State().InFlight, Waiting: page.Waiting{Quota: w.Quota, Backoff: w.Backoff, Kafka: w.Kafka}}
	if !s.MPC.Available { // then tasks in backoff wait for that, too
		s.Flow.Waiting = page.Waiting{Outage: w.Quota + w.Backoff, Kafka: w.Kafka}
	}
	for _, p := range c.Partitions {
		s.Partitions = append(s.Partitions, page.Partition{
			Partition: p.Partition, Committed: p.Committed, Next: p.Next, End: p.End, Unanswered: p.Unanswered, OldestAt: oldest(p.Oldest), Problem: p.Problem,
		})
		s.Flow.Held += p.Unanswered
		s.Flow.Unanswered += int64(p.Unanswered)
		if p.End < 0 || p.Committed < 0 {
			s.Flow.LagKnown = false
		} else {
			s.Flow.Lag += max(0, p.End-p.Committed)
			s.Flow.Unanswered += max(0, p.End-p.Next)
		}
		if !p.Oldest.IsZero() && (s.Flow.OldestAt == nil || p.Oldest.Before(s.Flow.OldestAt.Time)) {
			s.Flow.OldestAt = oldest(p.Oldest)
		}
	}
	if !c.Joined { // no partition is assigned
		s.Flow.LagKnown = false
	}
}

func (o pageSource) mpc() page.MPC {
	g := o.gate.State()
	m := page.MPC{
		Available: g.Available, DownSince: known(g.Down), HoldUntil: known(g.Hold),
		Quota: limited(math.Inf(1)), Share: limited(g.Share), Rate: limited(g.PerMinute),
		Requests: g.Ended + int64(g.InFlight), Throttled: g.Throttled,
	}
	if n := orZero(o.cfg.MPC.RequestsPerMinute); n > 0 {
		m.Quota = limited(float64(n))
	}
	if th := g.Throttling; !th.Since.IsZero() {
		m.ThrottledSince, m.Admitted = &th.Since, limited(th.Admitted)
	}
	if g.Available { // an idle gate does not know whether an outage is still going on
		m.DownSince = nil
	}
	last := o.lastErr.last()
	m.LastError, m.LastErrorHeadline, m.LastErrorAdvice, m.LastErrorAt = last.text, last.headline, last.advice, known(last.at)
	return m
}

// known is nil for the zero time.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// oldest is a record's time, which its producer may have set.
func oldest(t time.Time) *plain.Time {
	if t.IsZero() {
		return nil
	}
	return &plain.Time{Time: t}
}

// limited is nil for no limit.
func limited(n float64) *float64 {
	if math.IsInf(n, 1) {
		return nil
	}
	return &n
}

// lastError keeps the last error that showed that MPC does not serve.
type lastError struct {
	mu sync.Mutex
	failure
}

// failure is such an error. at is zero if there was none.
type failure struct {
	text, headline, advice string
	at                     time.Time
}

func (t *lastError) last() failure {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.failure
}

func (t *lastError) note(err error) {
	if err == nil {
		return
	}
	var refusal *mpcclient.Error
	if !errors.As(err, &refusal) || !refusal.Outage() || refusal.Operation == mpcclient.OperationQuery && refusal.Forbidden() {
		return // MPC serves at least retries
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.failure = failure{refusal.Error(), refusal.Headline, refusal.Advice, clock.System.Now()}
}

// errorTrackingAPI reports errors to lastError.
type errorTrackingAPI struct {
	retrier.API
	lastErr *lastError
}

func (h errorTrackingAPI) Retry(ctx context.Context, taskID string) error {
	err := h.API.Retry(ctx, taskID)
	h.lastErr.note(err)
	return err
}

func (h errorTrackingAPI) Query(ctx context.Context, taskIDs []string) (map[string]mpcclient.Task, error) {
	tasks, err := h.API.Query(ctx, taskIDs)
	h.lastErr.note(err)
	return tasks, err
}
