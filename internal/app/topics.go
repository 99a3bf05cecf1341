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

// What created topics get. The outcomes are kept for a week, so that a
// subscriber that was away for days has missed nothing, and for twice the
// budget's window, because they are the ledger.
const (
	day                 = 24 * time.Hour
	defaultPartitions   = 8
	outcomeRetention    = 7 * day
	deadLetterRetention = 30 * day
)

// deadLetterRoom is what the headers of a dead letter may add to its record.
const deadLetterRoom = 4 << 10

// startUp is what must be so before the work begins.
type startUp struct {
	log   *kafkalog.Log
	cfg   config.Kafka
	retry config.Retry
	clock clock.Clock
	rand  func() float64
	out   logrus.FieldLogger
	// waiting says that the brokers do not answer, or refuse, and since when no more.
	waiting *notice.Notice
}

// topics makes sure that all topics exist: they are created if that is
// configured; otherwise a missing one is an error, because one that springs up
// by itself has somebody else's idea of partitions and retention. Brokers that
// do not answer are waited for; that they do not create a topic is an error.
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
	err = errors.Join(s.keeps(ctx, k.TopicRetried), s.keeps(ctx, k.TopicRetryFailed))
	if k.TopicRecovered != "" {
		err = errors.Join(err, s.keeps(ctx, k.TopicRecovered))
	}
	return err
}

// A broker with ZooKeeper answers for some moments after its start as if there were
// no topics. So long must they be missing before that is believed.
const (
	missingFor  = 5 * time.Second
	missingLook = 250 * time.Millisecond
)

// missing names those of the topics that do not exist. To create one that does exist
// does no harm, so it is quick where they are to be created.
func (s *startUp) missing(ctx context.Context, names []string) (missing []string, err error) {
	for looks := missingFor / missingLook; ; looks-- {
		err = s.untilAnswered(ctx, func() (err error) {
			missing, err = s.log.Missing(ctx, names)
			return err
		})
		if err != nil || len(missing) == 0 || s.cfg.CreateTopics || looks == 0 {
			return missing, err
		}
		if err := s.clock.Sleep(ctx, missingLook); err != nil {
			return nil, err
		}
	}
}

// keeps makes sure that an outcome topic can be the ledger: compaction would
// forget all but a task's last answer. Like compareSizes it may learn nothing.
func (s *startUp) keeps(ctx context.Context, topic string) error {
	policy, retention, known, err := s.log.TopicPolicy(ctx, topic)
	switch {
	case err != nil:
		s.out.WithField("reason", err).Debug("the settings of topic " + topic + " are not known")
	case !known:
	case strings.Contains(policy, "compact"):
		return fmt.Errorf("topic %s has cleanup.policy=%s: the outcomes are the record of what was answered and retried, of which compaction would keep only a task's last; set cleanup.policy=delete", topic, policy)
	case retention > 0 && retention < s.retry.BudgetWindow:
		s.out.Warnf("topic %s keeps its records for %v (retention.ms), but RETRY_BUDGET_WINDOW is %v: retries that are older than the records are not counted; raise the one or lower the other", topic, retention, s.retry.BudgetWindow)
	}
	return nil
}

// create creates the missing topics: first the failed topic, whose partitions
// and size limit the others then follow.
func (s *startUp) create(ctx context.Context, missing []string) error {
	if missing[0] == s.cfg.TopicFailed {
		if err := s.make(ctx, kafkalog.TopicSpec{Name: missing[0], Partitions: defaultPartitions}); err != nil {
			return err
		}
		missing = missing[1:]
	}
	var partitions int
	if err := s.untilAnswered(ctx, func() (err error) {
		partitions, err = s.log.Partitions(ctx, s.cfg.TopicFailed)
		return err
	}); err != nil {
		return err
	}
	var specs []kafkalog.TopicSpec
	for _, name := range missing {
		spec := kafkalog.TopicSpec{Name: name, Partitions: partitions, Retention: max(outcomeRetention, 2*s.retry.BudgetWindow)}
		if name == s.cfg.TopicDeadLetter {
			spec.Retention = deadLetterRetention
			if largest, known, err := s.log.MaxMessageBytes(ctx, s.cfg.TopicFailed); err == nil && known {
				spec.MaxMessageBytes = largest + deadLetterRoom
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
		err := s.log.Create(ctx, specs)
		if kafkalog.Refused(err) { // that is an answer, and no other will come
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
	s.out.WithFields(logrus.Fields{"topics": names, "partitions": specs[0].Partitions}).Info("topics created")
	for {
		var left []string
		err := s.untilAnswered(ctx, func() (err error) {
			left, err = s.log.Missing(ctx, names)
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

// compareSizes warns where a dead letter may not fit its topic. It needs a
// right (DESCRIBE_CONFIGS) that nothing else needs, so it may learn nothing.
func (s *startUp) compareSizes(ctx context.Context) {
	failed, known1, err1 := s.log.MaxMessageBytes(ctx, s.cfg.TopicFailed)
	dead, known2, err2 := s.log.MaxMessageBytes(ctx, s.cfg.TopicDeadLetter)
	if err := errors.Join(err1, err2); err != nil {
		s.out.WithField("reason", err).Debug("the topics' size limits are not known")
	}
	if known1 && known2 && dead < failed+deadLetterRoom {
		s.out.Warnf("topic %s takes messages up to %d bytes (max.message.bytes), %s up to %d: a large dead letter may not fit and would hold up its partition; raise it to %d",
			s.cfg.TopicDeadLetter, dead, s.cfg.TopicFailed, failed, failed+deadLetterRoom)
	}
}

// untilAnswered repeats a question to the brokers until it is answered. Missing
// rights may be granted while it does.
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
		case kafkalog.Refused(err):
			s.waiting.Problem("the brokers refuse this service, which asks again: " + err.Error())
		default:
			s.waiting.Problem("waiting for the brokers: " + err.Error())
		}
		if err := s.clock.Sleep(ctx, b.Next()); err != nil {
			return err
		}
	}
}
