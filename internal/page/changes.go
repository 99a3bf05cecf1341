package page

import "time"

// How long changes of the state are kept, and how many.
const (
	changesFor  = 24 * time.Hour
	mostChanges = 100
	// settles is how long after its beginning a state's title may still change: MPC's
	// answer arrives a moment after the outage is detected.
	settles = 10 * time.Second
)

// Changes is the document of /api/changes and of the stream's event "changes": the states
// of the instance, newest first. Working and Idle count as one.
type Changes struct {
	Changes []Change `json:"changes"`
}

// Change is a state, which lasted until the one above it began.
type Change struct {
	At    time.Time `json:"at"`
	Name  string    `json:"name"`
	Title string    `json:"title"`
}

// take adds the current state, and reports whether that changes the list.
func (c *Changes) take(now time.Time, s State) bool {
	if s.Name == Idle {
		s.Name, s.Title = Working, "Working"
	}
	if len(c.Changes) > 0 && c.Changes[0].Name == s.Name {
		last := &c.Changes[0]
		if last.Title == s.Title || now.Sub(last.At) > settles {
			return false
		}
		last.Title = s.Title
		return true
	}
	at := s.Since
	if len(c.Changes) > 0 && at.Before(c.Changes[0].At) { // another state took precedence before
		at = now
	}
	list := append([]Change{{at, s.Name, s.Title}}, c.Changes...)
	for len(list) > mostChanges || len(list) > 1 && now.Sub(list[len(list)-2].At) > changesFor {
		list = list[:len(list)-1]
	}
	c.Changes = list
	return true
}
