package page

import "time"

const (
	// changesMaxAge is how long a change of the state is kept, maxChanges how many are kept.
	changesMaxAge = 24 * time.Hour
	maxChanges    = 100
	// titleChangesFor is how long after its beginning a state may get another title: MPC's
	// answer arrives a moment after the outage is detected.
	titleChangesFor = 10 * time.Second
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
		if last.Title == s.Title || now.Sub(last.At) > titleChangesFor {
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
	for len(list) > maxChanges || len(list) > 1 && now.Sub(list[len(list)-2].At) > changesMaxAge {
		list = list[:len(list)-1]
	}
	c.Changes = list
	return true
}
