package app

import (
	"context"
	"errors"
	"fmt"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/config"
	"remux-retrier/internal/ledger"
	"remux-retrier/internal/metrics"
	"remux-retrier/internal/retrier"
	"remux-retrier/internal/story"
)

// path is a record's way: read it, decide it, publish the answer.
type path struct {
	retrier *retrier.Retrier
	ledger  *ledger.Ledger
	topics  config.Kafka
	metrics *metrics.Metrics
	observe observer
	clock   clock.Clock
	log     *logrus.Logger
	// mayForce: events.ForceHeader counts (RETRY_ALLOW_FORCE).
	mayForce bool
}

// Receive reads one record, and queues its event behind the others of its task.
func (p *path) Receive(d *consumer.Delivery) consumer.Answer {
	arrived := p.clock.Now()
	done := func(outcome, reason string) { p.metrics.Event(outcome, reason, p.clock.Now().Sub(arrived)) }
	source := events.Source{Topic: d.Topic, Partition: d.Partition, Offset: d.Offset, Time: d.Time}
	failure, err := events.ReadFailure(d.Value, fromRecord(d.Headers))
	if failure.Forced && !p.mayForce {
		failure.Forced = false
		p.metrics.ForceIgnored()
	}
	observe := p.observe
	if errors.Is(err, events.ErrNotAFailure) {
		observe.stories = nil // those of failures would be displaced: most tasks succeed
	}
	seen := observe.begin(d, source, failure, arrived)
	if p.ledger.Answered(source) {
		done(metrics.Ignored, metrics.Answered)
		seen.ended(nil, story.AnsweredBefore, "")
		p.about(d, seen).Debug("answered before")
		return nothing
	}
	var unreadable *events.Unreadable
	switch {
	case errors.As(err, &unreadable):
		return func(context.Context) error {
			why := string(unreadable.Reason) + ", " + unreadable.Message
			seen.Step(story.Step{Kind: story.DeadLetterWait, Detail: why})
			seen.publishing(p.topics.TopicDeadLetter)
			err := p.bury(d, source, unreadable)
			seen.ended(err, story.DeadLetter, why)
			if err != nil {
				return err
			}
			done(metrics.DeadLetter, string(unreadable.Reason))
			p.about(d, seen).WithFields(logrus.Fields{"reason": unreadable.Reason, "detail": unreadable.Message}).Warn("dead letter")
			return nil
		}
	case err != nil:
		done(metrics.Ignored, metrics.NotAFailure)
		seen.ended(nil, story.Ignored, err.Error())
		p.about(d, seen).WithField("reason", err).Debug("ignored")
		return nothing
	}
	decide := p.retrier.Queue(retrier.Event{Failure: failure, Source: source, Lease: d, Trail: seen.trail()})
	return func(ctx context.Context) error {
		answer, err := decide(ctx)
		if err != nil {
			seen.ended(err, story.GivenUp, "")
			return err
		}
		defer answer.Acknowledged()
		topic := p.topicOf(answer.Outcome)
		err = p.publish(d, topic, seen.decided(answer.Outcome, topic))
		seen.ended(err, story.Published, topic)
		if err != nil {
			return err
		}
		done(string(answer.Outcome.Reason.Kind()), string(answer.Outcome.Reason))
		if failure.Forced {
			p.metrics.Forced()
		}
		p.say(d, seen, answer.Outcome)
		return nil
	}
}

// nothing is left to do.
func nothing(context.Context) error { return nil }

// publish returns when all in-sync replicas have the outcome.
func (p *path) publish(d *consumer.Delivery, topic string, o events.Outcome) error {
	message, err := o.Encode()
	if err != nil {
		// Going on would call for this event again and again.
		panic(fmt.Sprintf("the outcome of task %s cannot be written: %v", o.Failure.TaskID, err))
	}
	return d.Publish(consumer.Message{
		Topic: topic, Key: message.Key, Value: message.Value, Headers: toRecord(message.Headers),
	})
}

// about names the record in the log, and its trace.
func (p *path) about(d *consumer.Delivery, seen observation) *logrus.Entry {
	return p.log.WithFields(logrus.Fields{"topic": d.Topic, "partition": d.Partition, "offset": d.Offset}).WithFields(seen.fields())
}

// say logs an outcome. The fields are gathered only where they are shown: there
// may be thousands a second.
func (p *path) say(d *consumer.Delivery, seen observation, o events.Outcome) {
	if !p.log.IsLevelEnabled(logrus.InfoLevel) {
		return
	}
	log := p.about(d, seen).WithFields(logrus.Fields{"task_id": o.Failure.TaskID, "reason": o.Reason, "attempts": o.Attempts, "retries": *o.Retries})
	if e := o.Error; e != nil {
		log = log.WithFields(logrus.Fields{"status": e.Status, "error_code": e.Code, "error_msg": e.Message, "request_id": e.RequestID})
	}
	log.Info(string(o.Reason.Kind()))
}

// bury sends what is no failure event to the dead-letter topic, as it came. If
// it has become too large by its headers, they are shortened.
func (p *path) bury(d *consumer.Delivery, source events.Source, u *events.Unreadable) error {
	letter := func(limit int) consumer.Message {
		headers := events.DeadLetter(source, fromRecord(d.Headers), u, limit)
		return consumer.Message{Topic: p.topics.TopicDeadLetter, Key: d.Key, Value: d.Value, Headers: toRecord(headers)}
	}
	return d.Publish(letter(events.DeadLetterMessageLimit), letter(0))
}

func (p *path) topicOf(o events.Outcome) string {
	if o.Reason.Kind() == events.Retried {
		return p.topics.TopicRetried
	}
	return p.topics.TopicRetryFailed
}

func fromRecord(headers []consumer.Header) []events.Header {
	out := make([]events.Header, len(headers))
	for i, h := range headers {
		out[i] = events.Header(h)
	}
	return out
}

func toRecord(headers []events.Header) []consumer.Header {
	out := make([]consumer.Header, len(headers))
	for i, h := range headers {
		out[i] = consumer.Header(h)
	}
	return out
}
