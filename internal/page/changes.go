package page

import "time"

// The state's changes are kept so long, and so many of them.
const (
	changesFor  = 24 * time.Hour
	mostChanges = 100
	// settles is how long after its beginning a state's title is taken anew: what MPC
	// answers comes a moment after it has stopped to serve.
	settles = 10 * time.Second
)

// Changes is the document of /api/changes, and of the stream's event "changes": the
// states that the instance was in, newest first. Working and Idle count as one.
type Changes struct {
	Changes []Change `json:"changes"`
}

// Change is a state, which lasted until the one above it began.
type Change struct {
	At    time.Time `json:"at"`
	Name  string    `json:"name"`
	Title string    `json:"title"`
}

// take notes the present state, and tells whether that changes the list.
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
	if len(c.Changes) > 0 && at.Before(c.Changes[0].At) { // something else had to be told before
		at = now
	}
	list := append([]Change{{at, s.Name, s.Title}}, c.Changes...)
	for len(list) > mostChanges || len(list) > 1 && now.Sub(list[len(list)-2].At) > changesFor {
		list = list[:len(list)-1]
	}
	c.Changes = list
	return true
}
