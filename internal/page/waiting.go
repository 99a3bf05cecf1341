package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"remux-retrier/internal/history"
	"remux-retrier/internal/story"
)

// unread is about a failure event that nobody has answered.
func (e evidence) unread(asked *history.Entry) Verdict {
	where := fmt.Sprintf("Its failure event stands at offset %d of partition %d and has no outcome yet.", asked.Offset, asked.Partition)
	switch {
	case e.owner == nil:
	case e.owner.Here:
		if i := slices.IndexFunc(e.status.Partitions, func(p Partition) bool { return p.Partition == asked.Partition && unreadable(p) }); i >= 0 {
			where += " It is this instance's, which cannot read that partition: " + sentence(e.status.Partitions[i].Problem)
			break
		}
		where += " It is this instance's, which has not come to it yet: " + e.status.State.Title + "."
	case e.owner.Instance == "":
		where += " Nobody owns that partition at the moment: is the service running?"
	default:
		where += fmt.Sprintf(" The instance %s owns that partition: its own page knows what the event is waiting for.", e.owner.Instance)
	}
	return Verdict{inTopic, "Still waiting in the topic", where}
}

// unfinished is about an event that this instance is answering. The last step
// says what the event first waited for; that may have become another
// thing, for an outage may have begun or ended since.
func (e evidence) unfinished(s story.Story) Verdict {
	step := s.Steps[len(s.Steps)-1]
	switch step.Kind {
	case story.DuplicateWait:
		return Verdict{twin, "Still waiting: for another event of the same task", step.Sentence() + e.other()}
	case story.Answered:
		return Verdict{publishing, titles[step.Reason], e.unpublished(step, "The answer is being published.") + " " + step.Sentence()}
	case story.DeadLetterWait:
		return e.unwrittenLetter(step)
	}
	if away, held := e.heldUp(); held {
		return away
	}
	switch {
	case step.Kind == story.QuotaWait, step.Kind == story.OutageWait:
		return e.turn(step)
	case step.Kind == story.BackoffWait:
		return Verdict{backingOff, "Still waiting: its last call failed, and it will be called again", step.Sentence()}
	case step.Kind == story.State && step.Error != nil, step.Kind == story.Doubt && step.Until.After(e.now):
		return Verdict{asking, "Still waiting: to ask MPC for the task's state again", step.Sentence()}
	}
	return Verdict{atWork, "Being answered at this moment", step.Sentence()}
}

// other says what the event waits for that the task's others wait for.
func (e evidence) other() string {
	for _, s := range e.stories {
		if !s.Done && len(s.Steps) > 0 && s.Steps[len(s.Steps)-1].Kind != story.DuplicateWait {
			return " That one: " + e.unfinished(s).Title + "."
		}
	}
	return ""
}

// heldUp is what no event passes that has to be called, or asked about.
func (e evidence) heldUp() (v Verdict, held bool) {
	switch {
	case e.status.Kafka.Problem != "":
		return Verdict{KafkaAway, "Still waiting: Kafka does not answer", kafkaText + " What is wrong: " + sentence(e.status.Kafka.Problem)}, true
	case e.status.MPC.Available:
		return Verdict{}, false
	}
	state := e.mpc()
	if state.Name != Outage {
		return e.stopped(state), true
	}
	text := fmt.Sprintf("MPC has not served since %s, so nothing is decided about the task; it is called when MPC serves again.", clockTime(state.Since))
	if state.Error != "" {
		text += fmt.Sprintf(" MPC's last answer, at %s: %s", clockTime(*state.ErrorAt), sentence(state.Error))
	}
	return Verdict{Outage, "Still waiting: " + state.Title, text}, true
}

// mpc is how it stands with MPC, also where the instance's state is about
// something else that has to be fixed first.
func (e evidence) mpc() State {
	state := judgeMPC(&e.status)
	if state.Name == e.status.State.Name { // which knows since when
		return e.status.State
	}
	return state
}

func (e evidence) stopped(state State) Verdict {
	return Verdict{state.Name, "Still waiting: " + state.Title, strings.TrimSpace(state.Text + " " + state.Advice)}
}

// turn is about an event that waits for its turn, while MPC serves.
func (e evidence) turn(step story.Step) Verdict {
	state := e.mpc()
	if state.Name == NoShare || state.Name == Throttled {
		return e.stopped(state)
	}
	text := step.Sentence()
	if step.Kind == story.OutageWait || !step.Until.IsZero() && step.Until.Before(e.now) { // it was told before an outage, or in it
		text = "It waits for its turn to be called."
	}
	if step.Kind == story.OutageWait {
		text = "MPC serves again. " + text
	}
	rate := e.status.MPC.Rate
	if rate == nil {
		return Verdict{QuotaWait, "Still waiting: for its turn", text}
	}
	return Verdict{QuotaWait, "Still waiting: for the quota",
		text + fmt.Sprintf(" %s at %.0f requests a minute.", quantity(e.status.Flow.Waiting.Quota, "event waits", "events wait"), *rate)}
}

// slow is how long a message takes to be published that nothing holds up.
const slow = 5 * time.Second

// unpublished is about a message that is on its way to a topic.
func (e evidence) unpublished(step story.Step, usually string) string {
	k := e.status.Kafka
	switch {
	case k.Problem != "":
		return "It is published when Kafka answers. What is wrong: " + sentence(k.Problem)
	case len(k.Stuck) > 0 && e.now.Sub(step.At) > slow:
		return "It does not reach its topic, perhaps because of this: " + sentence(strings.Join(k.Stuck, "; "))
	}
	return usually
}

// unwrittenLetter is about a dead letter that its topic has not taken yet.
func (e evidence) unwrittenLetter(step story.Step) Verdict {
	text := step.Sentence() + " " + e.unpublished(step, "It is being published.")
	if len(e.status.Kafka.Stuck) > 0 && e.now.Sub(step.At) > slow {
		return Verdict{Stuck, "Not retried: its event is a dead letter, which waits for its topic", text}
	}
	return Verdict{deadLetter, "Not retried: its event is a dead letter", text + " " + advice}
}

// sentence ends a text of somebody else's.
func sentence(text string) string { return strings.TrimRight(text, ".") + "." }

func clockTime(t time.Time) string { return t.UTC().Format("15:04:05 UTC") }
