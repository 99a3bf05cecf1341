package app

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer/kafkalog"
	"remux-retrier/internal/backoff"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/config"
	"remux-retrier/internal/notice"
)

// Settings of created topics. Outcomes are kept for a week, so that a subscriber can be
// away for days, and for at least twice the budget's window, because the ledger reads them.
const (
	day                 = 24 * time.Hour
	defaultPartitions   = 8
	outcomeRetention    = 7 * day
	deadLetterRetention = 30 * day
)

// deadLetterOverhead is how much the headers of a dead letter may add to its record, in
// bytes.
const deadLetterOverhead = 4 << 10

// startUp checks what must be true before work starts.
type startUp struct {
	kafka *kafkalog.Client
	cfg   config.Kafka
	retry config.Retry
	clock clock.Clock
	rand  func() float64
	log   logrus.FieldLogger
	// waiting reports that the brokers do not answer or reject requests.
	waiting *notice.Notice
}

// topics ensures that all topics exist. Missing ones are created if configured. Otherwise
// they are an error: an automatically created topic has the wrong partitions and retention.
// It waits for brokers that do not answer; if they refuse to create a topic, that is an
// error.
func (s *startUp) topics(ctx context.Context) error {
	k := s.cfg
	names := []string{k.TopicFailed, k.TopicRetried, k.TopicRetryFailed, k.TopicDeadLetter}
	if k.TopicRecovered != "" {
		names = append(names, k.TopicRecovered)
	}
	missing, err := s.missing(ctx, names)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		if !k.CreateTopics {
			return fmt.Errorf("these topics do not exist: %s; create them, or set KAFKA_CREATE_TOPICS=true", strings.Join(missing, ", "))
		}
		if err := s.create(ctx, missing); err != nil {
			return err
		}
	}
	s.compareSizes(ctx)
	err = errors.Join(s.checkRetention(ctx, k.TopicRetried), s.checkRetention(ctx, k.TopicRetryFailed))
	if k.TopicRecovered != "" {
		err = errors.Join(err, s.checkRetention(ctx, k.TopicRecovered))
	}
	return err
}

// For some moments after its start a broker with ZooKeeper answers as if there were no
// topics. A topic counts as missing only after it is missing for missingFor.
const (
	missingFor      = 5 * time.Second
	missingInterval = 250 * time.Millisecond
)

// missing returns the topics that do not exist. It does not wait if they are to be created:
// creating an existing topic does no harm.
func (s *startUp) missing(ctx context.Context, names []string) (missing []string, err error) {
	for looks := missingFor / missingInterval; ; looks-- {
		err = s.untilAnswered(ctx, func() (err error) {
			missing, err = s.kafka.Missing(ctx, names)
			return err
		})
		if err != nil || len(missing) == 0 || s.cfg.CreateTopics || looks == 0 {
			return missing, err
		}
		if err := s.clock.Sleep(ctx, missingInterval); err != nil {
			return nil, err
		}
	}
}

// checkRetention ensures that an outcome topic can serve as the ledger: compaction would
// delete all but a task's last answer. Without the permission to read the settings it
// checks nothing.
func (s *startUp) checkRetention(ctx context.Context, topic string) error {
	policy, retention, known, err := s.kafka.TopicPolicy(ctx, topic)
	switch {
	case err != nil:
		s.log.WithField("reason", err).Debug("cannot read the settings of topic " + topic)
	case !known:
	case strings.Contains(policy, "compact"):
		return fmt.Errorf("topic %s has cleanup.policy=%s: compaction keeps only a task's last outcome, but the service needs all of them; set cleanup.policy=delete", topic, policy)
	case retention > 0 && retention < s.retry.BudgetWindow:
		s.log.Warnf("topic %s keeps records for %v (retention.ms), but RETRY_BUDGET_WINDOW is %v: retries with deleted records do not count; raise retention.ms or shorten the window", topic, retention, s.retry.BudgetWindow)
	}
	return nil
}

// create creates the missing topics: first the failed topic, whose partitions and size
// limit determine the others.
func (s *startUp) create(ctx context.Context, missing []string) error {
	if missing[0] == s.cfg.TopicFailed {
		if err := s.make(ctx, kafkalog.TopicSpec{Name: missing[0], Partitions: defaultPartitions}); err != nil {
			return err
		}
		missing = missing[1:]
	}
	var partitions int
	if err := s.untilAnswered(ctx, func() (err error) {
		partitions, err = s.kafka.Partitions(ctx, s.cfg.TopicFailed)
		return err
	}); err != nil {
		return err
	}
	var specs []kafkalog.TopicSpec
	for _, name := range missing {
		spec := kafkalog.TopicSpec{Name: name, Partitions: partitions, Retention: max(outcomeRetention, 2*s.retry.BudgetWindow)}
		if name == s.cfg.TopicDeadLetter {
			spec.Retention = deadLetterRetention
			if largest, known, err := s.kafka.MaxMessageBytes(ctx, s.cfg.TopicFailed); err == nil && known {
				spec.MaxMessageBytes = largest + deadLetterOverhead
			}
		}
		specs = append(specs, spec)
	}
	return s.make(ctx, specs...)
}

// make creates topics and waits until the brokers know them.
func (s *startUp) make(ctx context.Context, specs ...kafkalog.TopicSpec) error {
	if len(specs) == 0 {
		return nil
	}
	var refused error
	if err := s.untilAnswered(ctx, func() error {
		err := s.kafka.Create(ctx, specs)
		if kafkalog.NeedsOperator(err) { // that is a final answer
			refused, err = err, nil
		}
		return err
	}); err != nil {
		return err
	}
	if refused != nil {
		return refused
	}
	names := make([]string, len(specs))
	for i, spec := range specs {
		names[i] = spec.Name
	}
	s.log.WithFields(logrus.Fields{"topics": names, "partitions": specs[0].Partitions}).Info("topics created")
	for {
		var left []string
		err := s.untilAnswered(ctx, func() (err error) {
			left, err = s.kafka.Missing(ctx, names)
			return err
		})
		if err != nil || len(left) == 0 {
			return err
		}
		if err := s.clock.Sleep(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// compareSizes warns if a dead letter may not fit its topic. Like checkRetention it needs a
// permission that the service can do without (DESCRIBE_CONFIGS): otherwise nothing is
// checked.
func (s *startUp) compareSizes(ctx context.Context) {
	failed, known1, err1 := s.kafka.MaxMessageBytes(ctx, s.cfg.TopicFailed)
	dead, known2, err2 := s.kafka.MaxMessageBytes(ctx, s.cfg.TopicDeadLetter)
	if err := errors.Join(err1, err2); err != nil {
		s.log.WithField("reason", err).Debug("cannot read the topics' size limits")
	}
	if known1 && known2 && dead < failed+deadLetterOverhead {
		s.log.Warnf("topic %s accepts messages up to %d bytes (max.message.bytes), %s up to %d: a large dead letter may not fit and would block its partition; raise it to %d",
			s.cfg.TopicDeadLetter, dead, s.cfg.TopicFailed, failed, failed+deadLetterOverhead)
	}
}

// untilAnswered repeats a request until the brokers answer it. Missing permissions may be
// granted meanwhile.
func (s *startUp) untilAnswered(ctx context.Context, ask func() error) error {
	b := backoff.Backoff{Base: 200 * time.Millisecond, Max: 2 * time.Second, Rand: s.rand}
	for {
		err := ask()
		if err == nil {
			s.waiting.Over("the brokers answer")
			return nil
		}
		switch {
		case ctx.Err() != nil:
		case kafkalog.NeedsOperator(err):
			s.waiting.Problem("the brokers reject this service's requests; retrying: " + err.Error())
		default:
			s.waiting.Problem("waiting for the brokers: " + err.Error())
		}
		if err := s.clock.Sleep(ctx, b.Next()); err != nil {
			return err
		}
	}
}
