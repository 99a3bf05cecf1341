package notice

import (
	"errors"
	"sync"

	"github.com/sirupsen/logrus"
)

// Cause is an error that makes many operations fail at once, such as a broker that cannot
// be reached.
type Cause interface {
	error
	// Cause says what is wrong, independent of the operation. confirmed is false if the next
	// attempt may succeed: a broken connection does not show whether a new one can be opened.
	Cause() (text string, confirmed bool)
}

// Shared logs a cause once, however many operations fail because of it. It logs the end when
// no operation fails because of any shared cause. It is safe for concurrent use.
type Shared struct {
	log                  logrus.FieldLogger
	problemText, endText string

	mu       sync.Mutex
	failures map[*Notice]int // consecutive failures because of a shared cause, by operation
	logged   map[string]bool // causes that were logged since the last end
}

// failuresToConfirm is how often in a row an operation must fail before a cause that is not
// confirmed is logged.
const failuresToConfirm = 3

// NewShared returns a Shared that logs problemText followed by the cause, and endText at the
// end.
func NewShared(log logrus.FieldLogger, problemText, endText string) *Shared {
	return &Shared{log: log, problemText: problemText, endText: endText, failures: map[*Notice]int{}, logged: map[string]bool{}}
}

// New returns the notice of one operation.
func (s *Shared) New(log logrus.FieldLogger) *Notice { return &Notice{log: log, shared: s} }

// Failed notes that an operation fails. If the error has a shared Cause, only the cause is
// logged, once.
func (n *Notice) Failed(doing string, err error) {
	text := doing + ": " + err.Error()
	var cause Cause
	if n.shared == nil || !errors.As(err, &cause) {
		n.Problem(text)
		return
	}
	n.mu.Lock()
	n.text, n.normalized = ownPort.ReplaceAllString(text, "->"), ""
	n.mu.Unlock()
	n.shared.failed(n, cause)
}

func (s *Shared) failed(n *Notice, cause Cause) {
	text, confirmed := cause.Cause()
	normalized := changing.ReplaceAllString(text, "…")
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures[n]++
	if s.logged[normalized] || !confirmed && s.failures[n] < failuresToConfirm {
		return
	}
	s.logged[normalized] = true
	s.log.Warn(s.problemText + ownPort.ReplaceAllString(text, "->"))
}

// recovered notes that an operation does not fail because of a shared cause any more. s may
// be nil.
func (s *Shared) recovered(n *Notice) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failures[n] == 0 {
		return
	}
	delete(s.failures, n)
	if len(s.failures) == 0 && len(s.logged) > 0 {
		clear(s.logged)
		s.log.Info(s.endText)
	}
}
