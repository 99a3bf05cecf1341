package page

import (
	"fmt"

	"remux-retrier/internal/history"
)

// asFarAsRead changes a verdict that depends on topics which were not read, or not
// completely. The new verdict says why.
func (t Task) asFarAsRead(v Verdict) Verdict {
	const lately = "This instance has not seen the task lately, and "
	switch {
	case v.Code == notKnownHere && t.TopicsState == TopicsBusy:
		return Verdict{busy, "Not known yet", lately + "the topics are being read for others: ask again in a few seconds."}
	case v.Code == notKnownHere && t.TopicsState == TopicsSilent:
		return Verdict{KafkaAway, "Not known: the brokers do not answer", lately + "the topics cannot be read before Kafka answers."}
	case v.Code == notKnownHere: // its text says it
	case t.Topics != nil && !t.Topics.Complete:
		v.Text += " Only a part of the topics was read."
	case t.Topics != nil && t.TopicsState == TopicsPart:
		v.Text += " Not all topics were read: " + t.TopicsProblem + "."
	}
	return v
}

// skipped is the verdict on an event that will not be read.
func skipped(event *history.Entry) Verdict {
	return Verdict{skippedEvent, "Not retried: its event was skipped",
		fmt.Sprintf("Its failure event is at offset %d of partition %d. %s", event.Offset, event.Partition, history.SkippedText)}
}
