package page

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"remux-retrier/internal/history"
	"remux-retrier/internal/story"
)

// unread is the verdict on a failure event without an answer.
func (e evidence) unread(event *history.Entry) Verdict {
	where := fmt.Sprintf("Its failure event is at offset %d of partition %d and has no outcome yet.", event.Offset, event.Partition)
	switch {
	case e.owner == nil:
	case e.owner.Here:
		if i := slices.IndexFunc(e.status.Partitions, func(p Partition) bool { return p.Partition == event.Partition && unreadable(p) }); i >= 0 {
			where += " This instance owns that partition, but cannot read it: " + sentence(e.status.Partitions[i].Problem)
			break
		}
		where += " This instance owns that partition, but has not read the event yet: " + e.status.State.Title + "."
	case e.owner.Instance == "":
		where += " No instance owns that partition now: is the service running?"
	default:
		where += fmt.Sprintf(" The instance %s owns that partition: its own page shows what the event waits for.", e.owner.Instance)
	}
	return Verdict{inTopic, "Still waiting in the topic", where}
}

// unfinished is the verdict on an event that this instance is answering. The last step says
// what the event waited for at first; since then an outage may have begun or ended.
func (e evidence) unfinished(s story.Story) Verdict {
	step := s.Steps[len(s.Steps)-1]
	switch step.Kind {
	case story.DuplicateWait:
		return Verdict{duplicate, "Still waiting: for another event of the same task", step.Sentence() + e.other()}
	case story.Answered:
		return Verdict{publishing, titles[step.Reason], e.unpublished(step, "The answer is being published.") + " " + step.Sentence()}
	case story.DeadLetterWait:
		return e.unwrittenLetter(step)
	}
	if v, blocked := e.blocked(); blocked {
		return v
	}
	switch {
	case step.Kind == story.QuotaWait, step.Kind == story.OutageWait:
		return e.waitsForPermit(step)
	case step.Kind == story.BackoffWait:
		return Verdict{backingOff, "Still waiting: its last call failed, and will be repeated", step.Sentence()}
	case step.Kind == story.State && step.Error != nil, step.Kind == story.Doubt && step.Until.After(e.now):
		return Verdict{asking, "Still waiting: to query the task's state again", step.Sentence()}
	}
	return Verdict{atWork, "Being answered now", step.Sentence()}
}

// other says what the task's other event waits for.
func (e evidence) other() string {
	for _, s := range e.stories {
		if !s.Finished && len(s.Steps) > 0 && s.Steps[len(s.Steps)-1].Kind != story.DuplicateWait {
			return " That one: " + e.unfinished(s).Title + "."
		}
	}
	return ""
}

// blocked is the verdict while no call and no state query is possible.
func (e evidence) blocked() (v Verdict, blocked bool) {
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
	text := fmt.Sprintf("MPC has not served since %s, so the task waits; it is called when MPC serves again.", clockTime(state.Since))
	if state.Error != "" {
		text += fmt.Sprintf(" MPC's last answer, at %s: %s", clockTime(*state.ErrorAt), sentence(state.Error))
	}
	return Verdict{Outage, "Still waiting: " + state.Title, text}, true
}

// mpc is the state of MPC, also if the instance's state is about something else that must
// be fixed first.
func (e evidence) mpc() State {
	state := judgeMPC(&e.status)
	// The instance's state has the time at which it began; judgeMPC's may be now.
	if state.Name == e.status.State.Name {
		return e.status.State
	}
	return state
}

func (e evidence) stopped(state State) Verdict {
	return Verdict{state.Name, "Still waiting: " + state.Title, strings.TrimSpace(state.Text + " " + state.Advice)}
}

// waitsForPermit is the verdict on an event that waits for a permit while MPC serves.
func (e evidence) waitsForPermit(step story.Step) Verdict {
	state := e.mpc()
	if state.Name == NoShare || state.Name == Throttled {
		return e.stopped(state)
	}
	text := step.Sentence()
	// The step is from an outage, or its estimate has passed because of one.
	if step.Kind == story.OutageWait || !step.Until.IsZero() && step.Until.Before(e.now) {
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

// usualPublish is the usual upper limit for the time until a message is published.
const usualPublish = 5 * time.Second

// unpublished says why a message is not in its topic yet.
func (e evidence) unpublished(step story.Step, usually string) string {
	k := e.status.Kafka
	switch {
	case k.Problem != "":
		return "It is published when Kafka answers. What is wrong: " + sentence(k.Problem)
	case len(k.Stuck) > 0 && e.now.Sub(step.At) > usualPublish:
		return "It cannot be written, perhaps because of this: " + sentence(strings.Join(k.Stuck, "; "))
	}
	return usually
}

// unwrittenLetter is the verdict on a dead letter that is not in its topic yet.
func (e evidence) unwrittenLetter(step story.Step) Verdict {
	text := step.Sentence() + " " + e.unpublished(step, "It is being published.")
	if len(e.status.Kafka.Stuck) > 0 && e.now.Sub(step.At) > usualPublish {
		return Verdict{Stuck, "Not retried: its event is a dead letter, which cannot be written yet", text}
	}
	return Verdict{deadLetter, "Not retried: its event is a dead letter", text + " " + advice}
}

// sentence returns text with a full stop.
func sentence(text string) string { return strings.TrimRight(text, ".") + "." }

func clockTime(t time.Time) string { return t.UTC().Format("15:04:05 UTC") }
