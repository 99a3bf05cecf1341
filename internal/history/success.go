package history

import (
	"fmt"

	"remux-retrier/consumer"
	"remux-retrier/events"
)

// NoSuccessReported is added to the summary of a retried task if the topics contain no later
// recovery of it.
const NoSuccessReported = " No success has been reported since: the task is still running, it has failed again and that failure has no event, or MPC's notification of its success has not reached the failed topic."

// When says when the task succeeded, as part of a sentence.
func (s *Success) When() string {
	if consumer.HasTime(s.EventTime) {
		return "at " + s.EventTime.UTC().Format(timeFormat) + " UTC"
	}
	return "at a time that is not known: the record of its success has none"
}

func (t *reading) success(r *consumer.Record, e Entry) (Entry, bool) {
	if string(r.Key) != t.id {
		return e, false
	}
	recovery, err := events.DecodeRecovery(r.Value, r.Headers)
	if err != nil || recovery.Origin != t.r.cfg.Origin || recovery.Source.Topic != t.r.cfg.Failed {
		return e, false
	}
	e.Kind = Recovered
	e.Recovery = &Success{
		Retries: recovery.Retries, UserData: recovery.UserData, OutcomeID: recovery.Retry.Source.ID(),
		Partition: recovery.Source.Partition, Offset: recovery.Source.Offset, EventTime: recovery.Source.Time,
	}
	return e, true
}

func (e Entry) success() string {
	s := e.Recovery
	return fmt.Sprintf("The task has succeeded after %s, as the event at offset %d of partition %d reported. It belongs to the outcome %s.",
		count(s.Retries, "retry", "retries"), s.Offset, s.Partition, s.OutcomeID)
}
