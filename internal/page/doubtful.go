package page

import (
	"fmt"

	"remux-retrier/internal/history"
)

// The codes of verdicts on what is not known, or not going to happen.
const (
	busy       = "busy"
	passedOver = "passed_over"
)

// asFarAsRead takes from a verdict what depends on topics that were not read, or
// not to their ends. An outage of Kafka is no fault of the topics' length.
func (t Task) asFarAsRead(v Verdict) Verdict {
	const lately = "This instance has not seen the task lately, and "
	switch {
	case v.Code == notAsked && t.TopicsState == TopicsBusy:
		return Verdict{busy, "Not known yet", lately + "the topics are being read for others: ask again in a few seconds."}
	case v.Code == notAsked && t.TopicsState == TopicsSilent:
		return Verdict{KafkaAway, "Not known: the brokers do not answer", lately + "the topics cannot be read before Kafka answers."}
	case v.Code == notAsked: // which says it itself
	case t.Topics != nil && !t.Topics.Complete:
		v.Text += " That is as far as was read: the topics go on."
	case t.Topics != nil && t.TopicsState == TopicsPart:
		v.Text += " Not all topics were read: " + t.TopicsProblem + "."
	}
	return v
}

// overlooked is about an event that nobody is going to read.
func overlooked(asked *history.Entry) Verdict {
	return Verdict{passedOver, "Not retried: its event was passed over",
		fmt.Sprintf("Its failure event stands at offset %d of partition %d. %s", asked.Offset, asked.Partition, history.PassedOver)}
}
