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
)

// path is a record's way: read it, decide it, publish the answer.
type path struct {
	retrier *retrier.Retrier
	ledger  *ledger.Ledger
	topics  config.Kafka
	metrics *metrics.Metrics
	clock   clock.Clock
	log     *logrus.Logger
}

// Handle answers one record. The consumer commits it after a nil.
func (p *path) Handle(ctx context.Context, d *consumer.Delivery) error {
	arrived := p.clock.Now()
	done := func(outcome, reason string) { p.metrics.Event(outcome, reason, p.clock.Now().Sub(arrived)) }
	source := events.Source{Topic: d.Topic, Partition: d.Partition, Offset: d.Offset, Time: d.Time}
	if p.ledger.Answered(source) {
		done(metrics.Ignored, metrics.Answered)
		p.about(d).Debug("answered before")
		return nil
	}
	failure, err := events.ReadFailure(d.Value, fromRecord(d.Headers))
	var unreadable *events.Unreadable
	switch {
	case errors.As(err, &unreadable):
		if err := p.bury(d, source, unreadable); err != nil {
			return err
		}
		done(metrics.DeadLetter, string(unreadable.Reason))
		p.about(d).WithFields(logrus.Fields{"reason": unreadable.Reason, "detail": unreadable.Message}).Warn("dead letter")
		return nil
	case err != nil:
		done(metrics.Ignored, metrics.NotAFailure)
		p.about(d).WithField("reason", err).Debug("ignored")
		return nil
	}
	answer, err := p.retrier.Answer(ctx, retrier.Event{Failure: failure, Source: source, Lease: d})
	if err != nil {
		return err
	}
	defer answer.Acknowledged()
	outcome := answer.Outcome
	message, err := outcome.Encode()
	if err != nil {
		// Going on would call for this event again and again.
		panic(fmt.Sprintf("the outcome of task %s cannot be written: %v", failure.TaskID, err))
	}
	err = d.Publish(consumer.Message{
		Topic: p.topicOf(outcome), Key: message.Key, Value: message.Value, Headers: toRecord(message.Headers),
	})
	if err != nil {
		return err
	}
	done(string(outcome.Reason.Kind()), string(outcome.Reason))
	p.say(d, outcome)
	return nil
}

// about names the record in the log.
func (p *path) about(d *consumer.Delivery) *logrus.Entry {
	return p.log.WithFields(logrus.Fields{"topic": d.Topic, "partition": d.Partition, "offset": d.Offset})
}

// say logs an outcome. The fields are gathered only where they are shown: there
// may be thousands a second.
func (p *path) say(d *consumer.Delivery, o events.Outcome) {
	if !p.log.IsLevelEnabled(logrus.InfoLevel) {
		return
	}
	log := p.about(d).WithFields(logrus.Fields{"task_id": o.Failure.TaskID, "reason": o.Reason, "attempts": o.Attempts, "retries": *o.Retries})
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
