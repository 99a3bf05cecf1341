package app

import (
	"github.com/sirupsen/logrus"

	"remux-retrier/consumer"
	"remux-retrier/events"
	"remux-retrier/internal/metrics"
	"remux-retrier/internal/story"
)

// Succeeded ends an event that reports its task's success. After a retry of ours it
// publishes a recovery, whose acknowledgement ends the event.
func (e *item) Succeeded(f *events.Failure) {
	h := e.handler
	source := events.Source{Topic: e.Topic, Partition: e.Partition, Offset: e.Offset, Time: e.Time}
	r, ok := h.ledger.Recovery(f.TaskID, source)
	if !ok {
		e.ignore(metrics.NotAFailure, story.Ignored, "the task has succeeded, without a retry of this service before")
		return
	}
	topic := h.topics.TopicRecovered
	r.UserData, r.Traceparent, r.RecoveredAt = f.UserData, f.Traceparent, source.Time
	if !source.HasTime() {
		r.RecoveredAt = h.clock.Wall()
	}
	if ours := e.observation.publishing(topic); ours != "" {
		r.Traceparent = ours
	}
	message, err := r.Encode()
	if err != nil { // it would fail again each time that the event is read
		if h.tally.First("recoveries that cannot be written") {
			e.logger().WithField("task_id", r.TaskID).WithError(err).Error("the recovery cannot be written, so none is published")
		}
		e.ignore(metrics.NotAFailure, story.Ignored, "its recovery cannot be written: "+err.Error())
		return
	}
	// In a goroutine, because Publish may wait to learn the topic's partitions.
	e.Go(func() {
		e.Publish(func(err error) {
			e.observation.ended(err, story.Recovered, topic)
			if err != nil {
				return
			}
			e.count(metrics.Recovered, metrics.Succeeded)
			if h.tally.Among(loggedUncalled, logrus.InfoLevel, "recovered") {
				e.logger().WithField("task_id", r.TaskID).WithField("retries", r.Retries).Info("recovered")
			}
		}, consumer.Message{Topic: topic, Key: message.Key, Value: message.Value, Headers: message.Headers})
	})
}
