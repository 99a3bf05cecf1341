// Package notice says a lasting condition once: when it appears, when its text
// changes and when it is over, not at every attempt in between. A broker that
// is away for an hour is two lines in the log.
//
// It decides nothing and counts nothing. Any package may import it.
package notice

import (
	"regexp"
	"sync"

	"github.com/sirupsen/logrus"
)

// Notice is one condition. The zero value has no logger; use New.
type Notice struct {
	log logrus.FieldLogger

	mu   sync.Mutex
	text string
}

// New makes a notice that speaks through log.
func New(log logrus.FieldLogger) *Notice { return &Notice{log: log} }

// ownPort is the port of our side in a network error's text, as in
// "read tcp 10.0.0.1:53412->10.0.0.2:9092": another one at each attempt.
var ownPort = regexp.MustCompile(`:\d+->`)

// Problem says that the condition holds, unless it said just that last.
func (n *Notice) Problem(text string) {
	text = ownPort.ReplaceAllString(text, "->")
	n.mu.Lock()
	defer n.mu.Unlock()
	if text == n.text {
		return
	}
	n.text = text
	n.log.Warn(text)
}

// Over says that the condition has ended, if it held.
func (n *Notice) Over(text string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.text == "" {
		return
	}
	n.text = ""
	n.log.Info(text)
}

// Text is what holds now, empty if nothing does.
func (n *Notice) Text() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.text
}
