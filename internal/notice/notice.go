// Package notice keeps the log readable. A Notice logs a lasting condition once: when it
// begins, when its text changes and when it is over, not at every attempt in between. A
// broker that is down for an hour costs two lines. A Shared does this for a cause that
// makes many operations fail at once. A Tally tells its caller which of many similar
// events to log, and each minute logs how many more there were.
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

	mu         sync.Mutex
	text       string
	normalized string // text without its changing parts; empty: text is a shared cause's
	logged     bool   // this notice has logged that the condition holds
}

// New returns a notice that logs to log.
func New(log logrus.FieldLogger) *Notice { return &Notice{log: log} }

// changing matches what differs at each attempt although nothing has changed: the time in
// "certificate has expired or is not yet valid: current time …", the local port in "read
// tcp 10.0.0.1:53412->10.0.0.2:9092", durations, request ids.
var changing = regexp.MustCompile(`\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?: ?(?:Z|[+-]\d{2}:?\d{2}))?(?: UTC| GMT)?` +
	`|:\d+->` +
	`|\b(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+\b` +
	`|\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b` +
	`|\b[0-9a-fA-F]{16,}\b`)

// Problem logs that the condition holds, unless the last text was the same, apart from
// times, durations, local ports and request ids.
func (n *Notice) Problem(text string) {
	n.shared.recovered(n)
	normalized := changing.ReplaceAllString(text, "…")
	n.mu.Lock()
	defer n.mu.Unlock()
	if normalized == n.normalized && n.text != "" {
		return
	}
	n.text, n.normalized, n.logged = ownPort.ReplaceAllString(text, "->"), normalized, true
	n.log.Warn(n.text)
}

// ownPort matches the local port, which means nothing to a reader.
var ownPort = regexp.MustCompile(`:\d+->`)

// Over logs that the condition has ended, if it was logged.
func (n *Notice) Over(text string) {
	n.shared.recovered(n)
	n.mu.Lock()
	defer n.mu.Unlock()
	logged := n.logged
	n.text, n.logged = "", false
	if logged {
		n.log.Info(text)
	}
}

// Text returns the last text while the condition holds; empty otherwise.
func (n *Notice) Text() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text
}
