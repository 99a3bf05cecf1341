package page

import (
	"fmt"
	"time"

	"remux-retrier/internal/history"
)

// RetriesOfHour counts the whole group's accepted retries of an hour, by their results.
// Recent are those without a result that may still come, NotHeardOf those whose result
// should be known by now.
type RetriesOfHour struct {
	From        time.Time `json:"from"`
	Accepted    int       `json:"accepted"`
	Recovered   int       `json:"recovered"`
	FailedAgain int       `json:"failed_again"`
	Recent      int       `json:"recent"`
	NotHeardOf  int       `json:"not_heard_of"`
}

const recoveredTitle = "Recovered: it has succeeded after a retry"

// success is the verdict on a task that has succeeded since its latest answer and its
// latest failure event; nil: no recovery shows that.
func (e evidence) success(latest, event *history.Entry) *Verdict {
	if e.topics == nil {
		return nil
	}
	var found *history.Entry
	for i := range e.topics.Entries {
		if entry := &e.topics.Entries[i]; entry.Recovery != nil && !entry.Recovery.Repeat {
			found = entry
		}
	}
	own := e.lastFinished()
	switch {
	case found == nil,
		latest != nil && latest.At.After(found.At),
		event != nil && event.At.After(found.At),
		own != nil && own.at.After(found.At):
		return nil
	}
	return &Verdict{recovered, recoveredTitle,
		fmt.Sprintf("%s. It succeeded %s.", quantity(found.Recovery.Retries, "retry was accepted", "retries were accepted"), found.Recovery.When())}
}
