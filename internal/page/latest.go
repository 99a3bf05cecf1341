package page

import (
	"time"

	"remux-retrier/events"
	"remux-retrier/internal/story"
)

// Latest is the document of /api/latest, and of the stream's event "latest": the
// events that this instance was done with last, newest first, the last hundred of
// each outcome.
type Latest struct {
	Latest []Done `json:"latest"`
}

// Done is one event that the instance is done with.
type Done struct {
	At time.Time `json:"at"`
	// TaskID of a record that could not be read is its key, if that could be one.
	TaskID    string `json:"task_id"`
	Partition int    `json:"partition"`
	Offset    int64  `json:"offset"`
	// Outcome is retried, retry_failed, dead_letter, ignored, or given_up: the
	// next owner of the partition takes the event up again.
	Outcome string        `json:"outcome"`
	Reason  events.Reason `json:"reason,omitempty"`
	// Text says more, where there is more to say.
	Text    string  `json:"text,omitempty"`
	Seconds float64 `json:"seconds"` // from its arrival
}

func latest(stories []story.Story) Latest {
	list := Latest{Latest: make([]Done, 0, len(stories))}
	for _, s := range stories {
		if len(s.Steps) > 0 {
			list.Latest = append(list.Latest, done(s))
		}
	}
	return list
}

func done(s story.Story) Done {
	last := s.Steps[len(s.Steps)-1]
	d := Done{
		At: last.At, TaskID: s.TaskID, Partition: s.Source.Partition, Offset: s.Source.Offset,
		Outcome: s.Became(), Seconds: last.At.Sub(s.Steps[0].At).Seconds(),
	}
	switch {
	case s.Outcome != nil:
		d.Reason = s.Outcome.Reason
		if s.Outcome.Error != nil {
			d.Text = story.Answer(*s.Outcome.Error)
		}
	default:
		d.Text = last.Detail
	}
	return d
}
