// Package notice keeps the log readable. A Notice says a lasting condition once:
// when it appears, when its text changes and when it is over, not at every attempt
// in between; a broker that is away for an hour is two lines. A Shared does so for a
// cause that many operations meet at once. A Tally says the first of many alike, and
// each minute how many more there were.
//
// It decides nothing. Any package may import it.
package notice

import (
	"regexp"
	"sync"

	"github.com/sirupsen/logrus"
)

// Notice is one condition. The zero value has no logger; use New.
type Notice struct {
	log    logrus.FieldLogger
	shared *Shared // may be nil

	mu   sync.Mutex
	text string
	same string // the text without what changes by itself; empty: a shared cause's
	said bool   // a line of its own has said that it holds
}

// New makes a notice that speaks through log.
func New(log logrus.FieldLogger) *Notice { return &Notice{log: log} }

// changing is what is another one at each attempt, though nothing has changed:
// the time in "certificate has expired or is not yet valid: current time …", our
// side's port in "read tcp 10.0.0.1:53412->10.0.0.2:9092", how long something took,
// the id of a request.
var changing = regexp.MustCompile(`\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?(?: UTC| GMT)?` +
	`|:\d+->` +
	`|\b(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+\b` +
	`|\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b` +
	`|\b[0-9a-fA-F]{16,}\b`)

// Problem says that the condition holds, unless it said just that last. Times,
// durations, our side's ports and ids of requests make no difference.
func (n *Notice) Problem(text string) {
	n.shared.leaves(n)
	same := changing.ReplaceAllString(text, "…")
	n.mu.Lock()
	defer n.mu.Unlock()
	if same == n.same && n.text != "" {
		return
	}
	n.text, n.same, n.said = ownPort.ReplaceAllString(text, "->"), same, true
	n.log.Warn(n.text)
}

// ownPort means nothing to who reads.
var ownPort = regexp.MustCompile(`:\d+->`)

// Over says that the condition has ended, if it held.
func (n *Notice) Over(text string) {
	n.shared.leaves(n)
	n.mu.Lock()
	defer n.mu.Unlock()
	said := n.said
	n.text, n.said = "", false
	if said {
		n.log.Info(text)
	}
}

// Text is what holds now, as it was said; empty if nothing does.
func (n *Notice) Text() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text
}
