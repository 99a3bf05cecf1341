package page

import (
	"fmt"
	"slices"
	"strings"
)

// absent is about topics that somebody has deleted: that does not end by itself.
func absent(s *Status) State {
	topics := s.Kafka.Absent
	title, it := "Topic "+topics[0]+" does not exist", "it"
	if len(topics) > 1 {
		title, it = "Topics "+strings.Join(topics, ", ")+" do not exist", "them"
	}
	text := "Outcomes for it wait, and no task is called whose outcome could not be stored."
	if slices.Contains(topics, s.Topic) {
		text = "No failure event can be read. Those that nobody had read are lost."
	}
	state := s.at(TopicAbsent, title, text+besides(s))
	state.Advice = "Create " + it + " as before, or restart with KAFKA_CREATE_TOPICS=true. Find out who deleted " + it + "."
	return state
}

// limitStep is what a limit that is to be raised is rounded up to, messageRoom
// what the batch around the message may add.
const (
	limitStep   = 64 << 10
	messageRoom = 4 << 10
)

// stuck is about messages that their topic refuses. The largest of them says what the
// topic must take.
func stuck(s *Status) State {
	const title = "A message does not fit its topic"
	all := s.Kafka.StuckMessages
	if len(all) == 0 {
		state := s.at(Stuck, title, "Its partition waits; the others go on."+besides(s))
		state.Advice = strings.Join(s.Kafka.Stuck, "; ")
		return state
	}
	largest := all[0]
	for _, m := range all {
		if m.Topic == largest.Topic && m.Bytes > largest.Bytes {
			largest = m
		}
	}
	text := fmt.Sprintf("Topic %s refuses a message of %s bytes; its partition waits, the others go on.", largest.Topic, group(largest.Bytes))
	if len(all) > 1 {
		text += fmt.Sprintf(" So do the partitions of %d more messages.", len(all)-1)
	}
	state := s.at(Stuck, title, text+besides(s))
	setting := "cleanup.policy=delete"
	state.Advice = "Have the topic take records without a key:"
	if largest.TooLarge {
		setting = fmt.Sprintf("max.message.bytes=%d", (largest.Bytes+messageRoom+limitStep-1)/limitStep*limitStep)
		state.Advice = "Raise the topic's limit:"
	}
	state.Command = "kafka-configs.sh --bootstrap-server $KAFKA_BROKERS --alter --entity-type topics --entity-name " + largest.Topic + " --add-config " + setting
	return state
}
