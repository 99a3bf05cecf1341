package page

import (
	"fmt"
	"slices"
	"strings"
)

// absent is the state after topics were deleted: it does not end by itself.
func absent(s *Status) State {
	topics := s.Kafka.Absent
	title, it := "Topic "+topics[0]+" does not exist", "it"
	if len(topics) > 1 {
		title, it = "Topics "+strings.Join(topics, ", ")+" do not exist", "them"
	}
	text := "Outcomes for " + it + " wait. Tasks are not called if their outcome could not be stored."
	if slices.Contains(topics, s.Topic) {
		text = "No failure event can be read. Events that were not read before are lost."
	}
	state := s.at(TopicAbsent, title, text+besides(s))
	state.Advice = "Create " + it + " as before, or restart with KAFKA_CREATE_TOPICS=true. Find out who deleted " + it + "."
	return state
}

// limitStep is what a proposed limit is rounded up to. messageRoom is what the batch around
// the message may add. Both are in bytes.
const (
	limitStep   = 64 << 10
	messageRoom = 4 << 10
)

// stuck is the state while topics reject messages. It proposes a setting for the topic of
// the first message: a limit that the largest message for that topic fits.
func stuck(s *Status) State {
	const title = "A topic rejects a message"
	all := s.Kafka.StuckMessages
	if len(all) == 0 {
		state := s.at(Stuck, title, "Its partition waits; the others continue."+besides(s))
		state.Advice = strings.Join(s.Kafka.Stuck, "; ")
		return state
	}
	largest := all[0]
	for _, m := range all {
		if m.Topic == largest.Topic && m.Bytes > largest.Bytes {
			largest = m
		}
	}
	text := fmt.Sprintf("Topic %s rejects a message of %s bytes; its partition waits, the others continue.", largest.Topic, group(largest.Bytes))
	if len(all) > 1 {
		text += " " + quantity(len(all)-1, "more message waits", "more messages wait") + ", too."
	}
	state := s.at(Stuck, title, text+besides(s))
	setting := "cleanup.policy=delete"
	state.Advice = "Make the topic accept records without a key:"
	if largest.TooLarge {
		setting = fmt.Sprintf("max.message.bytes=%d", (largest.Bytes+messageRoom+limitStep-1)/limitStep*limitStep)
		state.Advice = "Raise the topic's limit:"
	}
	state.Command = "kafka-configs.sh --bootstrap-server $KAFKA_BROKERS --alter --entity-type topics --entity-name " + largest.Topic + " --add-config " + setting
	return state
}
