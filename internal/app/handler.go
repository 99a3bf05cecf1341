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

// handler handles records: it reads one, has it decided, and publishes the answer.
type handler struct {
	retrier *retrier.Retrier
	ledger  *ledger.Ledger
	topics  config.Kafka
	metrics *metrics.Metrics
	observe observer
	clock   clock.Clock
	log     *logrus.Logger
	tally   *notice.Tally
	// mayForce: events.ForceHeader is accepted (RETRY_ALLOW_FORCE).
	mayForce bool
}

// Receive reads one record and passes its event to the task.
func (h *handler) Receive(d *consumer.Delivery) {
	source := events.Source{Topic: d.Topic, Partition: d.Partition, Offset: d.Offset, Time: d.Time}
	failure, err := h.read(d)
	if failure.Forced && !h.mayForce {
		failure.Forced = false
		h.metrics.ForceIgnored()
	}
	e := &item{Delivery: d, handler: h, arrived: h.clock.Now()}
	observe := h.observe
	if failure.Succeeded || errors.Is(err, events.ErrNotAFailure) {
		observe.stories = nil // most tasks succeed: their stories would displace those of failures
	}
	e.observation = observe.begin(d, source, failure, e.arrived)
	var unreadable *events.Unreadable
	switch {
	case h.ledger.Answered(source):
		e.ignore(metrics.Answered, story.AnsweredBefore, "")
	case errors.As(err, &unreadable):
		e.deadLetter(source, unreadable)
	case err != nil:
		e.ignore(metrics.NotAFailure, story.Ignored, err.Error())
	default:
		if failure.UserDataLeftOut && h.tally.First("user_data left out") {
			e.logger().WithField("task_id", failure.TaskID).Warnf("user_data is longer than %d bytes, not text, or repeated: the outcome omits it", events.MaxUserData)
		}
		// The event may wait for long, and needs only the key of its outcome.
		e.Key, e.Value, e.Headers = []byte(failure.TaskID), nil, nil
		ev := retrier.Event{Failure: failure, Source: source, Lease: e, Listener: e.observation.listener()}
		if h.retrier.Add(ev) {
			d.CountBytesOnly()
		}
	}
}

// read reads a record's event. A record without contents has none. Successes are read only
// if recoveries are published.
func (h *handler) read(d *consumer.Delivery) (events.Failure, error) {
	if l := d.LeftOut; l != nil {
		return events.Failure{}, &events.Unreadable{Reason: events.TooLarge, Message: l.Why + ", more than the service reads: read it at its position in the topic"}
	}
	if h.topics.TopicRecovered != "" {
		return events.ReadEvent(d.Value, d.Headers)
	}
	return events.ReadFailure(d.Value, d.Headers)
}

// Release gives up unanswered events.
func (h *handler) Release() { h.retrier.Release() }

// item is one record on its path. To the retrier it is the event's lease.
type item struct {
	*consumer.Delivery
	handler     *handler
	observation observation
	arrived     time.Time
}

// ignore ends a record that needs no answer.
func (e *item) ignore(reason string, kind story.Kind, detail string) {
	e.Done()
	e.count(metrics.Ignored, reason)
	e.observation.ended(nil, kind, detail)
	if e.handler.log.IsLevelEnabled(logrus.DebugLevel) {
		e.logger().WithField("reason", reason).Debug("ignored")
	}
}

// Writable reports whether both outcome topics would accept the task's outcome soon: only
// MPC's answer shows which one it goes to.
func (e *item) Writable() bool {
	t := &e.handler.topics
	return e.Delivery.Writable(t.TopicRetried, e.Key) && e.Delivery.Writable(t.TopicRetryFailed, e.Key)
}

// Answer publishes the event's outcome and ends the event. See Delivery.Enqueue for write.
func (e *item) Answer(o *events.Outcome, acknowledged func()) (write func()) {
	topic := e.handler.topicOf(o.Reason)
	e.observation.decided(o, topic)
	message, err := o.Encode()
	if err != nil {
		// Continuing would call for this event again and again: it stays unanswered.
		panic(fmt.Sprintf("the outcome of task %s cannot be written: %v", o.Failure.TaskID, err))
	}
	return e.Enqueue(func(err error) {
		acknowledged()
		e.observation.ended(err, story.Published, topic)
		if err != nil {
			return
		}
		e.count(string(o.Reason.Kind()), string(o.Reason))
		if o.Failure.Forced {
			e.handler.metrics.Forced()
		}
		e.logOutcome(o)
	}, consumer.Message{Topic: topic, Key: message.Key, Value: message.Value, Headers: message.Headers})
}

// GiveUp ends the event without an answer.
func (e *item) GiveUp(why error) { e.observation.ended(why, story.GivenUp, "") }

// alwaysIncluded is the size, in bytes, up to which a dead letter always contains its
// record; its partition waits until the topic accepts it. It is about the default limit of
// topics.
const alwaysIncluded = 1 << 20

// deadLetter sends a record that is not a failure event, unchanged, to the dead-letter
// topic. If its headers make it too large, they are shortened. If the topic still refuses it
// and it exceeds alwaysIncluded, or if its contents were not read, the dead letter gives its
// position instead.
func (e *item) deadLetter(source events.Source, u *events.Unreadable) {
	why := string(u.Reason) + ", " + u.Message
	topic := e.handler.topics.TopicDeadLetter
	letters := e.letters(source, u)
	e.observation.Step(story.Step{Kind: story.DeadLetterWait, Detail: why})
	e.observation.publishing(topic)
	// In a goroutine, because Publish may wait to learn the topic's partitions.
	e.Go(func() {
		e.Publish(func(err error) {
			e.observation.ended(err, story.DeadLetter, why)
			if err != nil {
				return
			}
			e.count(metrics.DeadLetter, string(u.Reason))
			if e.handler.tally.First("dead letter, " + string(u.Reason)) {
				e.logger().WithFields(logrus.Fields{"reason": u.Reason, "detail": u.Message}).Warn("dead letter")
			}
		}, letters[0], letters[1:]...)
	})
}

// letters returns a dead letter and its alternatives in case it is too large.
func (e *item) letters(source events.Source, u *events.Unreadable) []consumer.Message {
	topic := e.handler.topics.TopicDeadLetter
	reference := func(size, last int64) consumer.Message {
		return consumer.Message{Topic: topic, Value: []byte{}, Headers: events.DeadLetterReference(source, u, size, last)}
	}
	if e.LeftOut != nil {
		return []consumer.Message{reference(e.LeftOut.Size, e.LeftOut.Last)}
	}
	var all []consumer.Message
	for _, limit := range []int{events.DeadLetterMessageLimit, 0} {
		all = append(all, consumer.Message{Topic: topic, Key: e.Key, Value: e.Value, Headers: events.DeadLetter(source, e.Headers, u, limit)})
	}
	if size := len(e.Key) + len(e.Value); size > alwaysIncluded {
		all = append(all, reference(int64(size), e.Offset))
	}
	return all
}

func (h *handler) topicOf(r events.Reason) string {
	if r.Kind() == events.Retried {
		return h.topics.TopicRetried
	}
	return h.topics.TopicRetryFailed
}

// count counts a finished record and how long it took.
func (e *item) count(outcome, reason string) {
	e.handler.metrics.Event(outcome, reason, e.handler.clock.Now().Sub(e.arrived))
}

// logger adds the record and its trace to log lines.
func (e *item) logger() *logrus.Entry {
	return e.handler.log.WithFields(logrus.Fields{"topic": e.Topic, "partition": e.Partition, "offset": e.Offset}).WithFields(e.observation.fields())
}

// loggedUncalled is how many outcomes without a call are logged completely, per reason and
// minute. The quota does not limit their number.
const loggedUncalled = 100

// logOutcome logs an outcome. The fields are built only if they are logged: there may be
// thousands a second.
func (e *item) logOutcome(o *events.Outcome) {
	if !e.handler.log.IsLevelEnabled(logrus.InfoLevel) {
		return
	}
	if o.Attempts == 0 && !e.handler.tally.Among(loggedUncalled, logrus.InfoLevel, string(o.Reason.Kind())+", "+string(o.Reason)) {
		return
	}
	log := e.logger().WithFields(logrus.Fields{"task_id": o.Failure.TaskID, "reason": o.Reason, "attempts": o.Attempts, "retries": *o.Retries})
	if err := o.Error; err != nil {
		log = log.WithFields(logrus.Fields{"status": err.Status, "error_code": err.Code, "error_msg": err.Message, "request_id": err.RequestID})
	}
	log.Info(string(o.Reason.Kind()))
}
