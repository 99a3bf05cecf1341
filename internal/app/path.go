package app

import (
	"errors"
	"fmt"
	"time"

	"github.com/sirupsen/logrus"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/clock"
	"remux-retrier/internal/config"
	"remux-retrier/internal/ledger"
	"remux-retrier/internal/metrics"
	"remux-retrier/internal/notice"
	"remux-retrier/internal/retrier"
	"remux-retrier/internal/story"
)

// path is a record's way: read it, have it decided, publish the answer.
type path struct {
	retrier *retrier.Retrier
	ledger  *ledger.Ledger
	topics  config.Kafka
	metrics *metrics.Metrics
	observe observer
	clock   clock.Clock
	log     *logrus.Logger
	tally   *notice.Tally
	// mayForce: events.ForceHeader counts (RETRY_ALLOW_FORCE).
	mayForce bool
}

// Receive reads one record, and hands its event to the task that it tells of.
func (p *path) Receive(d *consumer.Delivery) {
	source := events.Source{Topic: d.Topic, Partition: d.Partition, Offset: d.Offset, Time: d.Time}
	failure, err := p.read(d)
	if failure.Forced && !p.mayForce {
		failure.Forced = false
		p.metrics.ForceIgnored()
	}
	e := &item{Delivery: d, path: p, arrived: p.clock.Now(), taskID: failure.TaskID}
	observe := p.observe
	if failure.Succeeded || errors.Is(err, events.ErrNotAFailure) {
		observe.stories = nil // those of failures would be displaced: most tasks succeed
	}
	e.seen = observe.begin(d, source, failure, e.arrived)
	var unreadable *events.Unreadable
	switch {
	case p.ledger.Answered(source):
		e.ignore(metrics.Answered, story.AnsweredBefore, "")
	case errors.As(err, &unreadable):
		e.deadLetter(source, unreadable)
	case err != nil:
		e.ignore(metrics.NotAFailure, story.Ignored, err.Error())
	default:
		if failure.UserDataLeftOut && p.tally.First("user_data left out") {
			e.logger().WithField("task_id", failure.TaskID).Warnf("user_data is longer than %d bytes, is no text, or stands there twice: the outcome goes without it", events.MaxUserData)
		}
		// It may wait for long, and needs the key of its outcome alone.
		e.Key, e.Value, e.Headers = []byte(failure.TaskID), nil, nil
		ev := retrier.Event{Failure: failure, Source: source, Lease: e, Trail: e.seen.trail()}
		if p.retrier.Add(ev) {
			d.SharePlace()
		}
	}
}

// read reads a record's event; what came without its contents has none. Successes are
// asked for only where somebody is told of recoveries.
func (p *path) read(d *consumer.Delivery) (events.Failure, error) {
	if l := d.LeftOut; l != nil {
		return events.Failure{}, &events.Unreadable{Reason: events.TooLarge, Message: l.Why + ", more than the service reads: read it where it stands"}
	}
	if p.topics.TopicRecovered != "" {
		return events.ReadEvent(d.Value, d.Headers)
	}
	return events.ReadFailure(d.Value, d.Headers)
}

// Release gives up what is not answered.
func (p *path) Release() { p.retrier.Release() }

// item is one record on its way. For the retrier it is the event's lease.
type item struct {
	*consumer.Delivery
	path    *path
	seen    observation
	arrived time.Time
	taskID  string // empty: it could not be read
}

// ignore ends a record that needs no answer.
func (e *item) ignore(reason string, kind story.Kind, detail string) {
	e.Done()
	e.count(metrics.Ignored, reason)
	e.seen.ended(nil, kind, detail)
	if e.path.log.IsLevelEnabled(logrus.DebugLevel) {
		e.logger().WithField("reason", reason).Debug("ignored")
	}
}

// Writable tells whether the outcome topics would take the task's outcome soon.
// Which of the two gets it shows only when MPC has answered.
func (e *item) Writable() bool {
	t := &e.path.topics
	return e.Delivery.Writable(t.TopicRetried, e.Key) && e.Delivery.Writable(t.TopicRetryFailed, e.Key)
}

// Answer publishes the event's outcome, and ends the event.
func (e *item) Answer(o *events.Outcome, acknowledged func()) {
	topic := e.path.topicOf(o.Reason)
	e.seen.decided(o, topic)
	message, err := o.Encode()
	if err != nil {
		// Going on would call for this event again and again: it is held.
		panic(fmt.Sprintf("the outcome of task %s cannot be written: %v", o.Failure.TaskID, err))
	}
	e.Publish(func(err error) {
		acknowledged()
		e.seen.ended(err, story.Published, topic)
		if err != nil {
			return
		}
		e.count(string(o.Reason.Kind()), string(o.Reason))
		if o.Failure.Forced {
			e.path.metrics.Forced()
		}
		e.logOutcome(o)
	}, consumer.Message{Topic: topic, Key: message.Key, Value: message.Value, Headers: message.Headers})
}

// GiveUp ends the event without an answer.
func (e *item) GiveUp(why error) { e.seen.ended(why, story.GivenUp, "") }

// carriedAlways is the size up to which a record is carried by its dead letter, or
// its partition waits until the topic takes it. It is what topics take by default.
const carriedAlways = 1 << 20

// deadLetter sends what is no failure event to the dead-letter topic, as it came. If
// it has become too large by its headers, they are shortened; if it is so large that
// no topic takes it, or was not read, the dead letter says where it stands.
func (e *item) deadLetter(source events.Source, u *events.Unreadable) {
	why := string(u.Reason) + ", " + u.Message
	topic := e.path.topics.TopicDeadLetter
	letters := e.letters(source, u)
	e.seen.Step(story.Step{Kind: story.DeadLetterWait, Detail: why})
	e.seen.publishing(topic)
	// In a goroutine, for Publish may wait to learn the topic's partitions.
	e.Go(func() {
		e.Publish(func(err error) {
			e.seen.ended(err, story.DeadLetter, why)
			if err != nil {
				return
			}
			e.count(metrics.DeadLetter, string(u.Reason))
			if e.path.tally.First("dead letter, " + string(u.Reason)) {
				e.logger().WithFields(logrus.Fields{"reason": u.Reason, "detail": u.Message}).Warn("dead letter")
			}
		}, letters[0], letters[1:]...)
	})
}

// letters are a dead letter and what to write where it is too large.
func (e *item) letters(source events.Source, u *events.Unreadable) []consumer.Message {
	topic := e.path.topics.TopicDeadLetter
	reference := func(size, last int64) consumer.Message {
		return consumer.Message{Topic: topic, Value: []byte{}, Headers: events.Reference(source, u, size, last)}
	}
	if e.LeftOut != nil {
		return []consumer.Message{reference(e.LeftOut.Size, e.LeftOut.Last)}
	}
	var all []consumer.Message
	for _, limit := range []int{events.DeadLetterMessageLimit, 0} {
		all = append(all, consumer.Message{Topic: topic, Key: e.Key, Value: e.Value, Headers: events.DeadLetter(source, e.Headers, u, limit)})
	}
	if size := len(e.Key) + len(e.Value); size > carriedAlways {
		all = append(all, reference(int64(size), e.Offset))
	}
	return all
}

func (p *path) topicOf(r events.Reason) string {
	if r.Kind() == events.Retried {
		return p.topics.TopicRetried
	}
	return p.topics.TopicRetryFailed
}

// count counts a record that is done with, and how long that took.
func (e *item) count(outcome, reason string) {
	e.path.metrics.Event(outcome, reason, e.path.clock.Now().Sub(e.arrived))
}

// logger names the record in the log, and its trace.
func (e *item) logger() *logrus.Entry {
	return e.path.log.WithFields(logrus.Fields{"topic": e.Topic, "partition": e.Partition, "offset": e.Offset}).WithFields(e.seen.fields())
}

// loggedUncalled is how many outcomes without a call of their own are logged in full,
// of each reason in a minute. The quota does not bound how many there are.
const loggedUncalled = 100

// logOutcome logs an outcome. The fields are gathered only where they are shown:
// there may be thousands a second.
func (e *item) logOutcome(o *events.Outcome) {
	if !e.path.log.IsLevelEnabled(logrus.InfoLevel) {
		return
	}
	if o.Attempts == 0 && !e.path.tally.Among(loggedUncalled, logrus.InfoLevel, string(o.Reason.Kind())+", "+string(o.Reason)) {
		return
	}
	log := e.logger().WithFields(logrus.Fields{"task_id": o.Failure.TaskID, "reason": o.Reason, "attempts": o.Attempts, "retries": *o.Retries})
	if err := o.Error; err != nil {
		log = log.WithFields(logrus.Fields{"status": err.Status, "error_code": err.Code, "error_msg": err.Message, "request_id": err.RequestID})
	}
	log.Info(string(o.Reason.Kind()))
}
